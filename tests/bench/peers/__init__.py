"""What `make bench` compares with: small programs as a fair person would write and start them.

Nothing in this folder imports the product. The commands below are run with `python -m`.
"""

# A worker's module and command, one process each, as ours. The number of threads, tried from 1 to
# 32, changes Celery's and Dramatiq's CPU by less than the runs differ. RQ's usual worker forks a
# process for each job, which takes six times as much CPU as its `SimpleWorker`.
WORKERS = {
    "Celery": (
        "celery_tasks",
        "celery -A tests.bench.peers.celery_tasks worker --pool=threads --concurrency=8",
    ),
    "RQ": (
        "rq_jobs",
        "rq.cli worker -c tests.bench.peers.rq_jobs --worker-class=rq.SimpleWorker --quiet",
    ),
    "Dramatiq": (
        "dramatiq_actors",
        "dramatiq tests.bench.peers.dramatiq_actors --processes=1 --threads=8",
    ),
}

# Of each web process. The tutorial accepts most with 8 of 1, 2, 4 and 8; Celery publishes over ten
# connections at most. For the empty view, 1, 2 and 4 make no difference.
WEB_THREADS = {"tutorial": 8, "empty": 4}


def web_server(module: str, address: str) -> str:
    """Return how granian serves a peer's Flask app, in two processes as it serves ours."""
    host, _, port = address.rpartition(":")
    return (
        f"granian tests.bench.peers.{module}:app --interface=wsgi --host={host} --port={port}"
        f" --workers=2 --blocking-threads={WEB_THREADS[module]} --http=1 --no-ws"
    )
