"""Connecting an account from the terminal: the four flows and the wizard that explains them."""
