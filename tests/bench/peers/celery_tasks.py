"""Celery: a task for each sign-up, for a worker with its threads pool. Nobody reads results."""

import os

import requests
from celery import Celery

from tests.bench.peers.sending import send

app = Celery("peer", broker=os.environ["PEER_BROKER"])
app.conf.task_ignore_result = True


@app.task(autoretry_for=(requests.RequestException,), retry_backoff=True)
def deliver(email: str, first_name: str, last_name: str) -> None:
    send(email, first_name, last_name)


def enqueue(email: str, first_name: str, last_name: str) -> None:
    deliver.delay(email, first_name, last_name)
