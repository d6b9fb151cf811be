"""What `make bench` compares with: small programs as a fair person would write and start them.

Nothing in this folder imports the product. The commands below are run with `python -m`.
"""

_HERE = __name__

# Which module has the task, and how its worker starts. One process each, as ours. The number of
# threads hardly matters to CPU: 4, 8 and 32 were tried.
WORKERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "Celery": (
        "celery_tasks",
        ("celery", "-A", f"{_HERE}.celery_tasks", "worker", "--pool=threads", "--concurrency=8"),
    ),
    "RQ": (
        "rq_jobs",
        # The usual `Worker` forks a process for each job, which costs several times as much.
        (
            "rq.cli",
            "worker",
            "--config",
            f"{_HERE}.rq_jobs",
            "--worker-class=rq.SimpleWorker",
            "--quiet",
        ),
    ),
    "Dramatiq": (
        "dramatiq_actors",
        ("dramatiq", f"{_HERE}.dramatiq_actors", "--processes=1", "--threads=8"),
    ),
}
