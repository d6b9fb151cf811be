"""Connecting an account at the terminal: the four flows, and the wizard that explains them.

`relay connect` imports this.
"""
