"""What worker and beat do again and again beside delivering.

Imports `worker.delivery`; imported by `worker.alerts` and by what starts processes.
"""
