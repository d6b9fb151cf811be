"""The serving processes: granian's main process holds the port and watches them.

It replaces one that dies. After SIGTERM or SIGINT, running requests finish, then all processes end
with exit code 0.
"""

import contextlib
import functools
import gc
import logging
import os
import resource
import signal
import threading
import time
from collections.abc import Callable
from multiprocessing.util import Finalize
from typing import Any

import redis
from flask import Flask
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels

from shared.domain.errors import LedgerUnavailable, Refused
from shared.infrastructure import logs
from shared.infrastructure.addresses import check_free
from shared.infrastructure.redis_urls import connect
from shared.infrastructure.settings import Bind, Settings
from shared.infrastructure.timestamps import utc_now
from shared.ledger.format import open_ledger
from shared.ledger.redis_server.durability import demand_fsync, warn_of_losses
from web.app import create_app, create_entrance
from web.console.sign_in import announce_first
from web.server.entrance import Entrance
from web.server.listeners import ListeningServer
from web.signup import form_cache, spool_file

log = logging.getLogger(__name__)

# Granian counts idle kept-alive connections, too, and accepts no new ones at its limit. Browsers
# that only keep a connection open must not shut other visitors out.
MOST_CONNECTIONS = 8192
# The limit for a request's headers to arrive, and for an idle connection's next request.
IDLE_MILLISECONDS = 5000
# For each connection: of a request's headers, and of answers that the system does not take yet.
MOST_BUFFERED = 32 * 1024
# Open files besides visitors' connections: Redis, the broker, templates, logs.
SPARE_FILES = 256
# No request takes half as long, except on a visitor's slow line. Stopping does not wait for that.
STOP_SECONDS = 5


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises `Refused` if the address is in use, if Redis cannot do what the settings ask, or if a
    newer version has used the ledger or the data folder.
    """
    _check_free(settings.bind)
    spool_file.peek(settings.spool_folder, utc_now())
    form_cache.check_format(settings.data_dir / form_cache.FILE_NAME)
    logs.configure("web", settings.log_format)
    away = _check_at_start(settings)
    for advice in settings.advice():
        log.warning(advice)
    server = ListeningServer(
        settings.bind,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        http=HTTPModes.http1,
        workers=settings.web_processes,
        backpressure=_connections(),
        http1_settings=HTTP1Settings(
            header_read_timeout=IDLE_MILLISECONDS, max_buffer_size=MOST_BUFFERED
        ),
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_SECONDS,
        log_level=LogLevels.error,
        log_dictconfig=_QUIET,
    )
    server.serve(
        target_loader=functools.partial(_load, settings, os.getpid(), away), wrap_loader=False
    )


# Granian's errors go to our log.
_QUIET: dict[str, Any] = {"loggers": {"_granian": {"propagate": True}}}


def _load(settings: Settings, server_pid: int, away: str) -> Entrance:
    """Make the app in the process that will serve it. `away` is what `_check_at_start` returned."""
    logs.configure("web", settings.log_format)
    _end_with_parent(server_pid, os.getppid)
    app = create_app(settings)
    # Runs at the end of a process that multiprocessing has started, which `atexit` does not.
    Finalize(None, app.extensions["relay"].form_tallies.close, exitpriority=1)
    threading.Thread(target=_announce_first, args=(app, settings), daemon=True).start()
    threading.Thread(target=_watch_for_redis, args=(settings, away), daemon=True).start()
    entrance = create_entrance(app)
    # All that was made until here lives as long as the process. Looking through it for garbage
    # would stop all visitors for tens of milliseconds, every few seconds.
    gc.collect()
    gc.freeze()
    return entrance


def _announce_first(app: Flask, settings: Settings) -> None:
    """Print the first operator's password. While Redis is away, the sign-in page does it later."""
    with contextlib.suppress(LedgerUnavailable):
        announce_first(app.extensions["relay"].operators, settings)


def _check_at_start(settings: Settings) -> str:
    """Check Redis, and log once what would be the same in every process.

    Return why Redis cannot be used yet; nothing if it can. Raises `Refused` as `_check_redis` does.
    """
    try:
        _check_redis(settings)
    except LedgerUnavailable as error:
        log.warning("Redis cannot be used yet", extra={"cause": str(error)})
        return str(error)
    with _connect(settings) as client:
        warn_of_losses(client)
    return ""


def _check_redis(settings: Settings) -> None:
    """Open the ledger.

    Raises `Refused` if a newer version has written it, or if Redis cannot do what
    RELAY_ACCEPT_FSYNC asks; `LedgerUnavailable` while Redis is away.
    """
    with _connect(settings) as client:
        open_ledger(client)
        if settings.accept_fsync:
            demand_fsync(client)


def _connect(settings: Settings) -> "redis.Redis":
    return connect(settings.redis_url, socket_timeout=2, socket_connect_timeout=1)


def _watch_for_redis(settings: Settings, logged: str) -> None:
    """Check Redis once it answers, and only log problems: web serves visitors already.

    `logged` has been logged before.
    """
    while True:
        try:
            _check_redis(settings)
        except LedgerUnavailable as error:
            if str(error) != logged:
                logged = str(error)
                log.warning("Redis cannot be used yet", extra={"cause": logged})
            time.sleep(1)
            continue
        except Refused as refused:
            log.error(str(refused))
        return


def _end_with_parent(server_pid: int, parent: Callable[[], int]) -> None:
    """End this process when the main one was killed. Otherwise it would keep the port."""

    def watch() -> None:
        while parent() == server_pid:
            time.sleep(1)
        while True:  # granian may miss a signal that comes while it starts
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(STOP_SECONDS)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def _connections() -> int:
    """Return how many connections to accept: as many as the system allows this process, minus
    `SPARE_FILES`."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_CONNECTIONS if hard == resource.RLIM_INFINITY else min(hard, MOST_CONNECTIONS)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return most - SPARE_FILES


def _check_free(bind: Bind) -> None:
    """Raise `Refused` if another process listens there. Granian would share the port with it."""
    try:
        check_free(bind)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise Refused(f"web cannot listen at {bind} (RELAY_BIND): {why}") from error
