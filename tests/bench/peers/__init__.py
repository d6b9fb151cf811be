"""What `make bench` compares with: small programs as a fair person would write and start them.

Nothing in this folder imports the product. The commands below are run with `python -m`.
"""

_HERE = __name__

# Of each web process. With more, threads wait for each other: tried on two cores, 4 was the best
# for the tutorial, and 1 for the empty view.
THREADS = {"tutorial": 8, "empty": 2}

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


def web_server(module: str, address: str) -> tuple[str, ...]:
    """Return how granian serves a peer's Flask app: as it serves ours, in two processes."""
    host, _, port = address.rpartition(":")
    return (
        *("granian", f"{_HERE}.{module}:app", "--interface=wsgi", "--host", host, "--port", port),
        *("--workers=2", f"--blocking-threads={THREADS[module]}", "--http=1", "--no-ws"),
    )
