"""The worker's Celery app, and how the process runs. Each setting has its reason beside it."""

import gc
import logging
import os
import socket
import sys
import warnings
from collections.abc import Callable, Iterator
from datetime import timedelta

from celery import Celery, bootsteps, signals
from celery.exceptions import SecurityWarning
from celery.platforms import EX_OK
from celery.worker import state

from shared.infrastructure import queues
from shared.infrastructure.celery_client import make_celery
from shared.infrastructure.logs import configure
from shared.infrastructure.settings import Settings
from shared.ledger.format import open_if_there
from shared.ledger.redis_server.durability import warn_of_losses
from worker.alerts.dispatcher import alert_interval
from worker.bootsteps import step
from worker.consumer import Consumer, refuse_compressed_messages
from worker.delivery.lane_places import lane_count
from worker.delivery.poller import FIND_AGAIN_EVERY, POLL_EVERY
from worker.delivery.shutdown import Shutdown
from worker.runtime import WorkerRuntime
from worker.task_events import make_reporter
from worker.tasks import register
from worker.upkeep.job_runner import LOOK_EVERY
from worker.upkeep.periodic import Periodic
from worker.upkeep.upkeep import duties

log = logging.getLogger(__name__)

# Threads beyond the lanes, so that a backlog never delays a token refresh or a wake-up.
SPARE_THREADS = 4


def make_app(settings: Settings, name: str, only: tuple[str, ...]) -> Celery:
    """Return the Celery app of the worker `name`, with its tasks; it serves the queues `only`."""
    app = make_celery(settings, publishing=False)
    app.conf.update(
        # Counts a message as done when its task begins, so that the next one can be read.
        task_acks_late=False,
        worker_prefetch_multiplier=1,
        # Nothing of ours needs what Celery can have done by remote control: to stop a worker, to
        # end its tasks, to change its pool. Without it, a worker subscribes to no channel.
        worker_enable_remote_control=False,
        # The broker may be away for any time, at start-up too.
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        # A full broker, or one that became a replica, refuses commands: no reason to end.
        broker_channel_error_retry=True,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_hijack_root_logger=False,
        # Monitors such as Flower listen to these. Nobody else does, so they are off by default.
        worker_send_task_events=settings.task_events,
    )
    runtime = WorkerRuntime(
        name,
        settings,
        make_reporter(app, name, enabled=settings.task_events),
        delivers=queues.DELIVER_QUEUE in only,
    )
    register(app, runtime)
    open_if_there(runtime.client)
    warn_of_losses(runtime.client)
    app.steps["worker"].update(_steps(runtime))
    return app


def _steps(runtime: WorkerRuntime) -> Iterator[type[bootsteps.StartStopStep]]:
    """Return what starts and ends with the worker, beside Celery's own parts."""
    shutdown = Shutdown(
        runtime.stopping,
        stop_celery=_stop_celery,
        wait_for_token_calls=runtime.vault.wait_for_calls,
    )
    yield step("Shutdown", start=shutdown.take_signals, close=shutdown.stop_lanes)
    yield step("Connections", stop=runtime.connections.close)
    yield _periodic_step("Poller", runtime.poller.poll, every=POLL_EVERY)
    yield _periodic_step("BusyAccounts", runtime.due.find_again, every=FIND_AGAIN_EVERY)
    yield _periodic_step("HangDetector", runtime.hang_detector.check, every=POLL_EVERY)
    yield _periodic_step("JobRunner", runtime.job_runner.look, every=LOOK_EVERY)
    for duty in duties(runtime.settings, runtime.client, runtime.stopping):
        yield _periodic_step(duty.name, duty.do, every=duty.every)
    if runtime.settings.alerts:
        every = alert_interval(runtime.settings.alert_after)
        yield _periodic_step("Alerts", runtime.alerts.look_without_beat, every=every)


def _periodic_step(
    name: str, what: Callable[[], object], every: timedelta
) -> type[bootsteps.StartStopStep]:
    periodic = Periodic(name, what, every)
    return step(name, start=periodic.start, stop=periodic.stop)


def _stop_celery() -> None:
    state.should_stop = EX_OK  # type: ignore[assignment]  # which Celery's loop looks at


def run(settings: Settings, only: tuple[str, ...]) -> None:
    """Run a worker in this process that serves the queues `only`, until it is told to stop."""
    configure("worker", settings.log_format)
    _keep_our_logs()
    refuse_compressed_messages()
    for advice in settings.advice():
        log.warning(advice)
    name = f"relay-{os.getpid()}@{socket.gethostname()}"
    worker = make_app(settings, name, only).Worker(
        hostname=name,
        consumer_cls=Consumer,
        # Prefork did not always end on SIGTERM and takes four times the memory.
        pool_cls="threads",
        concurrency=lane_count(settings) + SPARE_THREADS,
        queues=",".join(only),
        # Workers need nothing of each other, and Redis has no heartbeat for them.
        without_mingle=True,
        without_gossip=True,
        without_heartbeat=not settings.task_events,
        quiet=True,
    )
    # What there is by now stays. Looking through it for garbage would stop all lanes each time.
    gc.collect()
    gc.freeze()
    worker.start()
    if worker.exitcode:
        log.error("the worker cannot go on; its supervisor has to start a new one")
    sys.exit(worker.exitcode)


def _keep_our_logs() -> None:
    """Log what lanes did and what went wrong, not every message that came and went."""
    # Celery sets up logging of its own unless somebody answers this signal.
    signals.setup_logging.connect(lambda **_: None, weak=False)
    # Celery warns root of pickled messages; only JSON is accepted here.
    warnings.simplefilter("ignore", SecurityWarning)
    logging.getLogger("celery.worker.strategy").setLevel(logging.WARNING)
    logging.getLogger("celery.app.trace").addFilter(_is_worth_a_line)


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    """Whether a task's end should be logged: it failed, or it was a lane that did something."""
    task = getattr(record, "data", None)
    if record.levelno > logging.INFO or not isinstance(task, dict):
        return True
    del vars(record)["data"]  # the message says all of it already
    return task["name"] == queues.DELIVER and "no place" not in task["return_value"]
