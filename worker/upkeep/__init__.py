"""What worker and beat do again and again beside delivering.

Imported by `worker.runtime`, `worker.beat` and `worker.alerts`.
"""
