"""Delivering sign-ups: `lane` claims, sends and settles them. Knows nothing of Celery.

Works on `shared`; imported by `worker.runtime` and by what Celery starts.
"""
