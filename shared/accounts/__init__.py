"""Connecting accounts and looking after them: four ways to connect, checks, summary, test sign-up.

Imports `constant_contact` and the packages below it.
"""
