"""Dramatiq: an actor for each sign-up. It tries again by itself."""

import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from tests.bench.peers.sending import send

dramatiq.set_broker(RedisBroker(url=os.environ["PEER_BROKER"]))


@dramatiq.actor
def deliver(email: str, first_name: str, last_name: str) -> None:
    send(email, first_name, last_name)


def enqueue(email: str, first_name: str, last_name: str) -> None:
    deliver.send(email, first_name, last_name)
