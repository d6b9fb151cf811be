"""The ledger is the only package that knows the Redis keys. Start with `ledger.py`.

It imports only `infrastructure` and `domain`.
"""
