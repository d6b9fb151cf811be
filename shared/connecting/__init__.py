"""Connecting an account: four ways in, live checks, the account's card, and a test sign-up."""
