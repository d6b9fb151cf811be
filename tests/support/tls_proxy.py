"""TLS before a Redis server that does not speak it itself."""

import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path
from typing import Self

from tests.support.certificates import self_signed
from tests.support.valkey_server import PASSWORD, ValkeyServer


class TlsProxy:
    """Passes on what comes, from ``with`` to its end. `certificate` is the file to trust."""

    def __init__(self, server: ValkeyServer, folder: Path) -> None:
        self.certificate = self_signed(folder / "certificate.pem")
        self._server = server
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(self.certificate)
        self._listener = socket.create_server(("127.0.0.1", 0))

    def url(self, options: str = "") -> str:
        port = self._listener.getsockname()[1]
        return f"rediss://:{PASSWORD}@localhost:{port}/0{options}"

    def _accept(self) -> None:
        with suppress(OSError):  # which is how the listener ends
            while True:
                visitor, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(visitor,), daemon=True).start()

    def _serve(self, visitor: socket.socket) -> None:
        with (
            suppress(OSError),
            visitor,
            self._context.wrap_socket(visitor, server_side=True) as inside,
            socket.create_connection(("127.0.0.1", self._server.port)) as there,
        ):
            back = threading.Thread(target=_pump, args=(there, inside), daemon=True)
            back.start()
            _pump(inside, there)
            back.join(timeout=5)

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
