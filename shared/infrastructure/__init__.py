"""What connects the product to its surroundings: settings, Redis, Celery, logs, encryption, alerts.

Knows no sign-up. Imports only `shared.domain`.
"""
