"""Delivering sign-ups: `lane` claims them, `delivery` decides what becomes of each claim.

`runtime` puts the modules together. They know nothing of Celery, and import only `shared`.
"""
