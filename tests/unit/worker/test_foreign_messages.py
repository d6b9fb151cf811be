"""A message that is not exactly one of ours is discarded with one line, which shows none of it."""

import json
import logging
import zlib
from typing import Any
from unittest import mock

import pytest
from celery import Celery
from celery.worker import consumer as celery_consumer
from kombu import Message, compression

from shared.infrastructure import queues
from worker.consumer import Consumer, check_message, refuse_compressed_messages

HIDDEN = "ada@example.com"
OURS = {
    queues.DELIVER: ["acme"],
    queues.WAKE: [],
    queues.REFRESH_TOKENS: [],
    queues.WATCH: [],
}
HEADERS = {"task": queues.DELIVER, "id": "1", "lang": "py"}
EMBEDDED: dict[str, Any] = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}


def message(
    body: Any = ([HIDDEN], {}, EMBEDDED),
    headers: Any = HEADERS,
    content_type: str = "application/json",
    encoding: str = "utf-8",
) -> Message:
    raw: Any = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Message(
        raw,
        headers=headers,
        content_type=content_type,
        content_encoding=encoding,
        accept={"application/json"},
        channel=mock.Mock(),
        delivery_tag="1",
    )


@pytest.mark.parametrize("task", list(OURS))
def test_what_web_and_beat_send_is_ours(task: str) -> None:
    app = Celery("publisher", broker="memory://")
    headers, _, body, _ = app.amqp.as_task_v2("1", task, args=tuple(OURS[task]))
    check_message(message(body, headers))


FOREIGN = {
    "another task": message(headers={**HEADERS, "task": "os.system"}),
    "no task": message(headers={"id": "1"}),
    "a name that is no text": message(headers={**HEADERS, "task": ["x"]}),
    "pickle": message(b"cos\nsystem\n", content_type="application/x-python-serialize"),
    "YAML": message(b"!!python/object x", content_type="application/x-yaml"),
    "a type that nobody knows": message(content_type="application/x-unknown"),
    "no JSON": message(HIDDEN.encode()),
    "deep": message(b"[" * 100_000),
    "a huge number": message(b"9" * 10_000),
    "binary": message(b"\xff\xfe\x00", encoding="binary"),
    "an object": message({"args": [HIDDEN]}),
    "of the older protocol": message({"task": queues.DELIVER, "args": [HIDDEN], "id": "1"}),
    "no arguments": message(([], {}, EMBEDDED)),
    "too many": message(([HIDDEN, HIDDEN], {}, EMBEDDED)),
    "named ones": message(([HIDDEN], {"account": HIDDEN}, EMBEDDED)),
    "an argument that is no text": message(([{"account": HIDDEN}], {}, EMBEDDED)),
    "a huge argument": message((["x" * 10_000_000], {}, EMBEDDED)),
    "work to do afterwards": message(([HIDDEN], {}, {**EMBEDDED, "callbacks": [{"task": "x"}]})),
    "for later": message(headers={**HEADERS, "eta": "2099-01-01T00:00:00Z"}),
}


def consumer() -> Any:
    worker = Consumer.__new__(Consumer)
    with mock.patch.object(celery_consumer.Consumer, "create_task_handler") as made:
        made.return_value = mock.Mock(side_effect=AssertionError("Celery took it"))
        return worker.create_task_handler()


@pytest.mark.parametrize("name", list(FOREIGN))
def test_a_foreign_message_is_discarded_with_one_line(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    taken = FOREIGN[name]
    consumer()(taken)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == "malformed message discarded"
    assert record.exc_info is None
    assert HIDDEN not in str(vars(record))
    assert taken.acknowledged


@pytest.mark.parametrize("report", ["unknown_message", "unknown_task", "invalid_task"])
def test_what_celery_itself_cannot_use_gets_the_same_line(
    report: str, caplog: pytest.LogCaptureFixture
) -> None:
    worker, taken = Consumer.__new__(Consumer), message()
    told = (KeyError(HIDDEN),) if report != "unknown_message" else ()
    getattr(worker, f"on_{report}")(HIDDEN, taken, *told)
    (record,) = caplog.records
    assert HIDDEN not in str(vars(record))
    assert taken.acknowledged


def test_nothing_is_unpacked(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for known in ("_encoders", "_decoders", "_aliases"):
        monkeypatch.setattr(compression, known, dict(getattr(compression, known)))
    bomb = zlib.compress(b"0" * 10_000_000)
    packed = message(bomb, headers={**HEADERS, "compression": "application/x-gzip"})
    unpacked: Any = packed.body
    assert unpacked == b"0" * 10_000_000
    refuse_compressed_messages()
    for name in ("application/x-gzip", "gzip", "zlib", "bzip2", "application/x-bz2"):
        packed = message(bomb, headers={**HEADERS, "compression": name})
        assert packed.errors
        consumer()(packed)
    assert len(caplog.records) == 5
