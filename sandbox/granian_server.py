"""Runs the sandbox under granian: one process, since its state and limits live in it."""

import gc
import os
import signal
import socket
import threading
from functools import partial
from multiprocessing import parent_process

from flask import Flask
from granian.constants import Interfaces
from granian.server import Server

from sandbox.config import SandboxConfig
from sandbox.wsgi import create_app

# A call that waits for a fault occupies one.
THREADS = 64


def serve(config: SandboxConfig, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT. Raises OSError when the port is taken."""
    _check_free(host, port)
    server = Server(
        # Only a label: the serving process makes the app with the loader below.
        "sandbox",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=THREADS,
        # A call that hangs on demand must not keep the sandbox from stopping.
        workers_kill_timeout=2,
        websockets=False,
        log_enabled=False,
    )
    server.serve(target_loader=partial(_load, config), wrap_loader=False)


def _load(config: SandboxConfig) -> Flask:
    threading.Thread(target=_die_with_parent, daemon=True).start()
    app = create_app(config)
    # Looking through all modules for garbage takes tens of milliseconds. The calls of that time
    # would be counted together, and a sender that keeps the pace would be refused.
    gc.collect()
    gc.freeze()
    return app


def _die_with_parent() -> None:
    """Stop serving when the parent process is killed, which sends no signal to this one."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGKILL)


def _check_free(host: str, port: int) -> None:
    """Raise OSError if the port is taken, because granian would share it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
