"""The limits of a request's body, with clients made of plain messages."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from web.server.bodies import MOST_DROPPED, Body, BodyReader

Receive = Callable[[], Awaitable[dict[str, Any]]]

MORE, LAST = True, False
GONE: dict[str, Any] = {"type": "http.disconnect"}


def part(body: bytes, more: bool) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def client(*messages: dict[str, Any]) -> Receive:
    """Send these, then nothing any more."""

    async def sends() -> AsyncIterator[dict[str, Any]]:
        for message in messages:
            yield message
        await asyncio.Event().wait()

    return sends().__anext__


def read(receive: Receive, length: int | None, *, reader: BodyReader | None = None) -> Body:
    reader = reader or BodyReader(seconds=0.05)
    return asyncio.run(reader.read(receive, length, limit=10, network="192.0.2.1"))


@pytest.mark.parametrize(
    ("length", "messages"),
    [
        pytest.param(4, [part(b"1234", LAST)], id="at once"),
        pytest.param(4, [part(b"1234", MORE)], id="no end is needed where the length is known"),
        pytest.param(4, [part(b"12", MORE), part(b"34", MORE)], id="in two parts"),
        pytest.param(None, [part(b"1234", MORE), part(b"", LAST)], id="chunked"),
        pytest.param(10, [part(b"1234567890", LAST)], id="the largest"),
        pytest.param(None, [part(b"", LAST)], id="chunked and empty"),
    ],
)
def test_a_whole_body_is_read(length: int | None, messages: list[dict[str, Any]]) -> None:
    body = read(client(*messages), length)
    assert body.content == b"".join(message["body"] for message in messages)
    assert body.whole


@pytest.mark.parametrize(
    ("length", "messages"),
    [
        pytest.param(4, [part(b"12", MORE)], id="silence"),
        pytest.param(4, [], id="silence from the beginning"),
        pytest.param(4, [part(b"12", MORE), GONE], id="the client is gone"),
        pytest.param(4, [part(b"12", LAST)], id="less than was promised"),
        pytest.param(None, [part(b"1234", MORE)], id="a chunked one without an end"),
        pytest.param(None, [part(b"1234", MORE), GONE], id="a chunked one that breaks off"),
        pytest.param(None, [GONE], id="a chunked one without a beginning"),
    ],
)
def test_a_body_that_does_not_arrive_whole_is_told_apart(
    length: int | None, messages: list[dict[str, Any]]
) -> None:
    body = read(client(*messages), length)
    assert not body.whole
    assert len(body.content) < body.length
    assert not body.too_large


def test_a_body_that_is_too_large_by_its_length_is_not_read_at_all() -> None:
    async def receive() -> dict[str, Any]:
        raise AssertionError("was asked for the body")

    assert read(receive, 11) == Body(b"", 11, too_large=True)


def test_a_chunked_body_is_read_no_further_than_its_limit() -> None:
    endless = client(*(part(b"12345", MORE) for _ in range(100)))
    assert read(endless, None) == Body(b"", 15, too_large=True)


def test_of_many_unfinished_bodies_of_a_network_the_oldest_get_less_time() -> None:
    reader = BodyReader(seconds=60, crowded_seconds=0.05, most_unfinished=2)

    async def flood() -> list[bool]:
        silent = [
            asyncio.create_task(reader.read(client(), 4, limit=10, network=network))
            for network in ("192.0.2.1", "192.0.2.9", "192.0.2.1", "192.0.2.1")
        ]
        await asyncio.wait(silent, return_when=asyncio.FIRST_COMPLETED)
        honest = await reader.read(client(part(b"1234", LAST)), 4, limit=10, network="192.0.2.1")
        assert honest.whole
        await asyncio.wait([silent[2]])
        done = [task.done() for task in silent]
        for task in silent:
            task.cancel()
        return done

    # The first one was one too many when the last one came, the third one when the honest one did.
    assert asyncio.run(flood()) == [True, False, True, False]


def test_a_body_that_comes_soon_is_read_whatever_its_neighbours_do() -> None:
    reader = BodyReader(seconds=60, crowded_seconds=30, most_unfinished=2)

    async def flood() -> Body:
        arrived = asyncio.Event()

        async def receive() -> dict[str, Any]:
            await arrived.wait()
            return part(b"1234", LAST)

        honest = asyncio.create_task(reader.read(receive, 4, limit=10, network="192.0.2.1"))
        async with asyncio.TaskGroup() as neighbours:
            silent = [
                neighbours.create_task(reader.read(client(), 4, limit=10, network="192.0.2.1"))
                for _ in range(20)
            ]
            await asyncio.sleep(0)  # now all have begun
            await asyncio.sleep(0)
            arrived.set()
            found = await honest
            for task in silent:
                task.cancel()
        return found

    assert asyncio.run(flood()).whole


def test_a_request_without_a_body_waits_for_nothing() -> None:
    async def receive() -> dict[str, Any]:
        raise AssertionError("was asked for the body")

    assert read(receive, 0).whole


def test_nothing_is_kept_of_networks_without_unfinished_bodies() -> None:
    reader = BodyReader()
    read(client(part(b"1234", LAST)), 4, reader=reader)
    assert (reader._unfinished, reader._deadlines) == ({}, {})


def test_the_rest_of_a_large_body_is_dropped_up_to_a_limit() -> None:
    asked = 0

    async def receive() -> dict[str, Any]:
        nonlocal asked
        asked += 1
        return part(b"x" * (MOST_DROPPED // 4), MORE)

    asyncio.run(BodyReader(linger_seconds=0).drop_rest(receive))
    assert asked == 4


def test_a_client_that_still_sends_gets_time_to_read_the_answer() -> None:
    """Closing at once would have the system throw the answer away before a proxy has read it."""

    async def receive() -> dict[str, Any]:
        return part(b"x" * MOST_DROPPED, MORE)

    async def goes_on() -> bool:
        dropping = asyncio.create_task(BodyReader(linger_seconds=60).drop_rest(receive))
        done, _ = await asyncio.wait([dropping], timeout=0.05)
        dropping.cancel()
        return not done

    assert asyncio.run(goes_on())
