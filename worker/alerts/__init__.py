"""Alerts: which conditions stand, what is said of them, and who looks when.

Imported by `worker.runtime` and `worker.beat`.
"""
