"""What the ledger stores beside sign-ups: accounts, forms, tokens, operators, alerts, secrets.

Built on the scripts and keys of `shared.ledger`.
"""
