"""Every task has one stable name, a queue, and a worker that takes from it."""

import re
from pathlib import Path
from typing import cast

from celery import Celery

from shared.infrastructure import queues
from tests.architecture.project import ROOT, settings_in
from worker.beat import schedule, steady_clock
from worker.runtime import WorkerRuntime
from worker.tasks import register

TASKS = {queues.DELIVER, queues.WAKE, queues.REFRESH_TOKENS, queues.WATCH}
QUEUES = {queues.DELIVER_QUEUE, queues.TOKENS_QUEUE, queues.UPKEEP_QUEUE}


def test_the_names_are_all_that_shared_queues_has() -> None:
    named = {
        value for name, value in vars(queues).items() if name.isupper() and isinstance(value, str)
    }
    assert named == TASKS | QUEUES


def test_every_task_is_registered_under_its_name() -> None:
    app = Celery(set_as_current=False)
    register(app, cast(WorkerRuntime, None))
    assert {name for name in app.tasks if not name.startswith("celery.")} == TASKS


def test_every_task_has_a_route_to_a_queue_that_workers_take_from() -> None:
    assert set(queues.ROUTES) == TASKS
    assert {route["queue"] for route in queues.ROUTES.values()} == QUEUES
    assert set(queues.ALL_QUEUES) == QUEUES


def test_beat_sends_known_tasks(tmp_path: Path) -> None:
    entries = schedule(settings_in(tmp_path), steady_clock()).values()
    assert {entry["task"] for entry in entries} <= TASKS


def code_with_celery() -> str:
    """Return the code of every module that may send a message or run a task."""
    folders = ("shared/infrastructure", "worker", "web")
    modules = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return "\n".join(path.read_text(encoding="utf-8") for path in modules)


def test_no_message_depends_on_the_clocks_of_two_hosts() -> None:
    code = code_with_celery()
    assert "send_task" in code
    assert not [word for word in ("expires=", '"expires"') if word in code]


def test_no_retry_is_left_to_celery() -> None:
    code = code_with_celery()
    words = (r"\bcountdown\s*=", r"\beta\s*=\s*(?!None)", r"\bself\.retry\(", "autoretry")
    assert not [word for word in words if re.search(word, code)]
