"""The HTTP connection against servers that misbehave on purpose."""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from shared.constant_contact.connection import Connection
from shared.constant_contact.errors import ConnectionFailed, DeadlineExceeded
from shared.constant_contact.http_message import LARGEST_ANSWER
from tests.support.certificates import self_signed

SHORT = timedelta(seconds=0.5)
LONG = timedelta(seconds=10)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

Behaviour = Callable[[socket.socket], None]


class Server:
    """Treats every connection as `behaviour` says, each in a thread of its own."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.connections = 0
        self.requests: list[bytes] = []
        self._behaviour = behaviour
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/v3/things"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self._socket.accept()
                self.connections += 1
                self._open.append(peer)
                threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        with peer, contextlib.suppress(OSError):
            while request := peer.recv(65_536):
                self.requests.append(request)
                self._behaviour(peer)

    def hang_up(self) -> None:
        """Close every connection, as a server does with those that idle."""
        for peer in self._open:
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)
            peer.close()

    def close(self) -> None:
        self._socket.close()
        self.hang_up()


@pytest.fixture
def serve() -> Iterator[Callable[[Behaviour], Server]]:
    servers = []

    def start(behaviour: Behaviour) -> Server:
        servers.append(Server(behaviour))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def connection() -> Iterator[Connection]:
    with Connection() as made:
        yield made


def answer(peer: socket.socket) -> None:
    peer.sendall(OK)


def dribble(start: bytes, drop: bytes) -> Behaviour:
    """Return a server that is never done: it sends `drop` ten times a second."""

    def behaviour(peer: socket.socket) -> None:
        peer.sendall(start)
        while True:
            peer.sendall(drop)
            time.sleep(0.1)

    return behaviour


def flood(peer: socket.socket) -> None:
    peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        peer.sendall(b"x" * 65_536)


def say_nothing(peer: socket.socket) -> None:
    threading.Event().wait(10)


def hang_up(peer: socket.socket) -> None:
    peer.shutdown(socket.SHUT_RDWR)


def cut_off(peer: socket.socket) -> None:
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab")
    peer.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(say_nothing, id="no answer"),
        pytest.param(dribble(b"HTTP/1.1 200 OK\r\nX: ", b"y"), id="a header without end"),
        pytest.param(dribble(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), id="continue, continue"),
        pytest.param(
            dribble(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n", b"x"), id="a slow body"
        ),
        pytest.param(dribble(b"HTTP/1.0 200 OK\r\n\r\n", b"x"), id="a body without length"),
        pytest.param(
            dribble(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
            id="chunks",
        ),
    ],
)
def test_a_request_ends_at_its_deadline_whatever_the_server_does(
    serve: Callable[[Behaviour], Server], connection: Connection, behaviour: Behaviour
) -> None:
    url = serve(behaviour).url
    started = time.monotonic()

    with pytest.raises(DeadlineExceeded, match=r"within 0\.5 s"):
        connection.send("POST", url, json={}, deadline=SHORT)

    assert 0.4 < time.monotonic() - started < 2


def test_sending_ends_at_the_deadline_too(connection: Connection) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:  # nobody ever reads
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        with pytest.raises(DeadlineExceeded):
            connection.send("POST", url, data={"a": "x" * 20_000_000}, deadline=SHORT)


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(flood, id="without end"),
        pytest.param(
            lambda peer: peer.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (LARGEST_ANSWER + 1)
                + b"x" * (LARGEST_ANSWER + 1)
            ),
            id="one byte too many",
        ),
        pytest.param(hang_up, id="closed"),
        pytest.param(lambda peer: peer.sendall(b"what?\r\n\r\n"), id="no HTTP"),
        pytest.param(cut_off, id="cut off"),
        pytest.param(
            lambda peer: peer.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nab"
            ),
            id="not what it says",
        ),
    ],
)
def test_an_unusable_answer_is_a_failure_that_names_no_secrets(
    serve: Callable[[Behaviour], Server], connection: Connection, behaviour: Behaviour
) -> None:
    url = serve(behaviour).url + "?email=ada@example.com"

    with pytest.raises(ConnectionFailed) as failure:
        connection.send("GET", url, headers={"Authorization": "Bearer sesame"}, deadline=LONG)

    assert not isinstance(failure.value, DeadlineExceeded)
    assert not [word for word in ("ada", "sesame", "things") if word in str(failure.value)]


def test_headers_that_make_no_sense_put_no_url_into_the_log(
    serve: Callable[[Behaviour], Server], connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    server = serve(lambda peer: peer.sendall(b"HTTP/1.1 200 OK\r\nwhat?\r\n\r\n"))

    with contextlib.suppress(ConnectionFailed):
        connection.send("GET", f"{server.url}?email=ada@example.com", deadline=SHORT)

    assert server.requests
    assert not caplog.records


def test_a_largest_answer_is_read(
    serve: Callable[[Behaviour], Server], connection: Connection
) -> None:
    server = serve(
        lambda peer: peer.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % LARGEST_ANSWER
            + b"x" * LARGEST_ANSWER
        )
    )

    assert len(connection.send("GET", server.url, deadline=LONG).content) == LARGEST_ANSWER


def test_one_connection_is_kept_and_reused(
    serve: Callable[[Behaviour], Server], connection: Connection
) -> None:
    server = serve(answer)
    connection.open(server.url)

    for _ in range(3):
        assert connection.send("GET", server.url, deadline=LONG).content == b"ok"
        connection.open(server.url)

    assert server.connections == 1


def test_open_replaces_a_connection_that_the_server_dropped(
    serve: Callable[[Behaviour], Server], connection: Connection
) -> None:
    server = serve(answer)
    connection.send("GET", server.url, deadline=LONG)
    server.hang_up()

    connection.open(server.url)
    assert connection.send("GET", server.url, deadline=LONG).content == b"ok"

    assert server.connections == 2


def test_after_a_failure_the_next_request_finds_a_new_connection(
    serve: Callable[[Behaviour], Server], connection: Connection
) -> None:
    behaviours = iter([hang_up, say_nothing, answer])
    server = serve(lambda peer: next(behaviours)(peer))

    for _ in range(2):
        with pytest.raises(ConnectionFailed):
            connection.send("GET", server.url, deadline=SHORT)

    assert connection.send("GET", server.url, deadline=LONG).content == b"ok"


def test_a_failed_request_is_not_sent_twice(
    serve: Callable[[Behaviour], Server], connection: Connection
) -> None:
    server = serve(hang_up)

    with pytest.raises(ConnectionFailed):
        connection.send("GET", server.url, deadline=LONG)

    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://127.0.0.1:9/?code=sesame", id="refused"),
        pytest.param("https://nowhere.invalid/?code=sesame", id="no such host"),
        pytest.param("http://[sesame", id="no address at all"),
    ],
)
def test_open_says_why_there_is_no_connection(connection: Connection, url: str) -> None:
    with pytest.raises(ConnectionFailed, match="could not connect") as failure:
        connection.open(url)

    assert "sesame" not in str(failure.value)


def test_a_certificate_that_no_authority_has_signed_is_refused(
    connection: Connection, tmp_path: Path
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path / "localhost.pem"))
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def shake_hands() -> None:
            with contextlib.suppress(OSError):
                context.wrap_socket(listening.accept()[0], server_side=True)

        server = threading.Thread(target=shake_hands)
        server.start()
        with pytest.raises(ConnectionFailed, match=r"could not connect: .*certificate"):
            connection.open(f"https://localhost:{listening.getsockname()[1]}/")
        server.join()


def test_a_connection_over_tls_is_kept_although_tls_speaks_for_itself(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TLS 1.3 sends session tickets after the handshake: bytes that belong to no answer."""
    certificate = self_signed(tmp_path / "localhost.pem")
    monkeypatch.setattr(
        "shared.constant_contact.connection._tls",
        lambda: ssl.create_default_context(cafile=certificate),
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    requests: list[bytes] = []

    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve_one() -> None:
            with context.wrap_socket(listening.accept()[0], server_side=True) as peer:
                while request := peer.recv(65_536):
                    requests.append(request)
                    peer.sendall(OK)

        server = threading.Thread(target=serve_one, daemon=True)
        server.start()
        url = f"https://localhost:{listening.getsockname()[1]}/"
        for _ in range(3):
            connection.open(url)
            assert connection.send("GET", url, deadline=LONG).content == b"ok"
        connection.close()
        server.join(timeout=10)

    assert len(requests) == 3


def test_redirects_are_not_followed_and_cookies_not_kept(
    serve: Callable[[Behaviour], Server], connection: Connection
) -> None:
    head = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nSet-Cookie: a=b\r\n"
    server = serve(lambda peer: peer.sendall(head + b"Content-Length: 0\r\n\r\n"))

    for _ in range(2):
        assert connection.send("GET", server.url, deadline=LONG).status_code == 302

    assert len(server.requests) == 2
    assert not [each for each in server.requests if b"Cookie" in each]


def test_the_environment_changes_nothing(
    serve: Callable[[Behaviour], Server],
    connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    home = tmp_path_factory.mktemp("home")
    (home / ".netrc").write_text("machine 127.0.0.1 login eve password eve\n")
    monkeypatch.setenv("NETRC", str(home / ".netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    server = serve(answer)

    connection.send("GET", server.url, headers={"Authorization": "Bearer the-token"}, deadline=LONG)

    assert b"Authorization: Bearer the-token\r\n" in server.requests[0]
