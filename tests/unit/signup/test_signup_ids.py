"""Ids that are random UUIDs, each given once."""

import os
import uuid
from concurrent.futures import ThreadPoolExecutor

from web.signup.signup_ids import SignupIds


def test_ids_are_random_uuids() -> None:
    ids = SignupIds(os.urandom)
    for _ in range(1000):
        id = ids.new()
        parsed = uuid.UUID(id)
        assert (parsed.version, parsed.variant, str(parsed)) == (4, uuid.RFC_4122, id)


def test_every_bit_that_may_be_random_is_used() -> None:
    assert SignupIds(lambda count: b"\xff" * count).new() == "ffffffff-ffff-4fff-bfff-ffffffffffff"
    assert SignupIds(lambda count: b"\x00" * count).new() == "00000000-0000-4000-8000-000000000000"


def test_no_id_is_given_twice_whichever_threads_ask() -> None:
    ids = SignupIds(os.urandom)
    with ThreadPoolExecutor(8) as threads:
        given = list(threads.map(lambda _: ids.new(), range(20_000)))
    assert len(set(given)) == len(given)
