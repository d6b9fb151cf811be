"""RQ: a job for each sign-up. Nobody reads results, so none is kept."""

import os

import redis
import rq

from tests.bench.peers.sending import send

REDIS_URL = os.environ["PEER_BROKER"]

queue = rq.Queue(connection=redis.Redis.from_url(REDIS_URL))


def enqueue(email: str, first_name: str, last_name: str) -> None:
    queue.enqueue(send, email, first_name, last_name, retry=rq.Retry(max=3), result_ttl=0)
