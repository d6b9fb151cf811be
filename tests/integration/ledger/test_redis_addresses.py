"""Addresses of Redis that lead nowhere, or not all the way, are told apart; TLS works as asked."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from shared.domain.errors import LedgerUnavailable
from shared.infrastructure.celery_client import make_celery
from shared.infrastructure.redis_urls import check_redis_url, connect
from shared.infrastructure.settings import Settings
from shared.ledger.redis_server.server_id import redis_time
from tests.support.ports import free_port
from tests.support.tls_proxy import TlsProxy
from tests.support.valkey_server import ValkeyServer


@pytest.fixture
def tls(valkey: ValkeyServer, tmp_path: Path) -> Iterator[TlsProxy]:
    with TlsProxy(valkey, tmp_path) as proxy:
        yield proxy


def problem(url: str) -> str:
    """Return what is told of Redis at `url`."""
    client = connect(check_redis_url(url), socket_timeout=1, socket_connect_timeout=1)
    with pytest.raises(LedgerUnavailable) as failed:
        redis_time(client)
    return str(failed.value.problem)


def test_nothing_listens() -> None:
    assert "nothing listens at its address" in problem(f"redis://127.0.0.1:{free_port()}")


def test_no_such_host() -> None:
    assert "its host name is unknown" in problem("redis://no-such-host.invalid")


def test_no_such_socket(tmp_path: Path) -> None:
    assert "there is no socket at its path" in problem(f"unix://{tmp_path}/nobody.sock")


def test_another_program_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as web:

        def answer() -> None:
            visitor, _ = web.accept()
            with visitor:
                visitor.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                visitor.recv(1)

        thread = threading.Thread(target=answer)
        thread.start()
        assert "another program listens" in problem(f"redis://127.0.0.1:{web.getsockname()[1]}")
        thread.join()


def test_nobody_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert "in time" in problem(f"redis://127.0.0.1:{silent.getsockname()[1]}")


def test_no_password_and_a_wrong_one(valkey: ValkeyServer) -> None:
    at = f"127.0.0.1:{valkey.port}"
    assert "wants a password, and got none (NOAUTH)" in problem(f"redis://{at}")
    assert "(WRONGPASS)" in problem(f"redis://:another@{at}")
    assert "(WRONGPASS)" in problem(f"redis://nobody:another@{at}")


def test_no_such_database(valkey: ValkeyServer) -> None:
    assert "no database with this number" in problem(valkey.url(999))


def test_no_such_primary() -> None:
    assert "know no primary of this name" in problem(f"sentinel://127.0.0.1:{free_port()}/main")


# --- TLS


def test_a_certificate_that_nobody_trusts(tls: TlsProxy) -> None:
    assert "The certificate of Redis is not trusted" in problem(tls.url())


def test_tls_to_a_server_without_it(valkey: ValkeyServer) -> None:
    plain = valkey.url().replace("redis://", "rediss://")
    assert "Redis does not speak TLS on this port" in problem(plain)


@pytest.mark.parametrize("options", ["?ssl_cert_reqs=CERT_NONE", "?ssl_ca_certs={}"])
def test_both_libraries_reach_redis_by_tls(tls: TlsProxy, settings: Settings, options: str) -> None:
    url = check_redis_url(tls.url(options.format(tls.certificate)))
    assert connect(url, socket_timeout=5).ping()
    app = make_celery(replace(settings, broker_url=url), publishing=True)
    with app.connection_for_write() as broker:
        assert broker.connect()


def test_celery_trusts_no_certificate_by_itself(tls: TlsProxy, settings: Settings) -> None:
    url = check_redis_url(tls.url())
    app = make_celery(replace(settings, broker_url=url), publishing=True)
    refused = pytest.raises(redis.ConnectionError, match="CERTIFICATE_VERIFY_FAILED")
    with app.connection_for_write() as broker, refused:
        broker.connect()


def test_connecting_is_no_error_in_the_servers_statistics(valkey: ValkeyServer) -> None:
    """redis-py asks for notifications that only a server of its maker has."""
    with valkey.client() as watching:
        watching.config_resetstat()
        with connect(valkey.url()) as client:
            client.ping()
        assert watching.info("errorstats") == {}
