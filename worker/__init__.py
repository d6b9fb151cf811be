"""The worker process: carries sign-ups from the ledger to Constant Contact."""
