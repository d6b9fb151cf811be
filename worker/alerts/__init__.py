"""Alerts: which conditions are active, what their messages say, and who looks when.

Imported by `worker.runtime`, `worker.app` and `worker.beat`.
"""
