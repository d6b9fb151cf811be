"""The ledger: the only package that knows the Redis keys. Start with `ledger.py`.

Sign-ups are in the modules here, everything else in `stores`, the server itself in `redis_server`.
Imports only `infrastructure` and `domain`.
"""
