"""The worker process: carries sign-ups from the ledger to Constant Contact.

`app` and `beat` start processes, `tasks` is what Celery calls, and `runtime` puts the parts
together. Only `relay` imports it.
"""
