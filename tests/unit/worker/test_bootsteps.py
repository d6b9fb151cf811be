"""Steps: what starts and ends with Celery's worker does so when Celery says."""

from celery.bootsteps import Blueprint, StepType

from worker.bootsteps import step


class Worker:
    """What Celery's blueprint needs of a worker."""

    def __init__(self) -> None:
        self.steps: list[object] = []


def blueprint(*steps: type) -> Blueprint:
    return Blueprint(steps=steps, name="blueprint under test")


def test_a_part_starts_closes_and_stops_with_its_worker() -> None:
    heard: list[str] = []
    part = step(
        "Part",
        start=lambda: heard.append("start"),
        close=lambda: heard.append("close"),
        stop=lambda: heard.append("stop"),
    )
    worker, running = Worker(), blueprint(part)
    running.apply(worker)
    running.start(worker)
    running.stop(worker)
    assert heard == ["start", "close", "stop"]


def test_a_worker_that_is_terminated_stops_its_parts() -> None:
    heard: list[str] = []
    part = step("Part", start=lambda: None, stop=lambda: heard.append("stop"))
    worker, running = Worker(), blueprint(part)
    running.apply(worker)
    running.start(worker)
    running.stop(worker, terminate=True)
    assert heard == ["stop"]


def test_parts_are_told_apart_by_name() -> None:
    one, another = step("One", start=lambda: None), step("Another", start=lambda: None)
    assert isinstance(one, StepType)
    assert one.name != another.name
