"""The four forms of REDIS_URL, as redis-py and Celery each need them."""

from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from shared.infrastructure.redis_urls import broker_beside, celery_broker, check_redis_url, connect

TO_SENTINELS = {
    "socket_timeout": 1.0,
    "socket_connect_timeout": 0.5,
    "retry": Retry(NoBackoff(), 0),
}
ASKED = {"sentinel_kwargs": TO_SENTINELS}
SENTINEL = "sentinel://one.example:26379,two.example:26380/mymaster?db=2"


@pytest.mark.parametrize(
    ("url", "beside"),
    [
        pytest.param("redis://host", "redis://host/1", id="no number is 0"),
        pytest.param("redis://:pass@host:6380/4", "redis://:pass@host:6380/5", id="in the path"),
        pytest.param(
            "rediss://host/0?ssl_cert_reqs=none",
            "rediss://host/1?ssl_cert_reqs=none",
            id="TLS keeps its options",
        ),
        pytest.param("redis://host?db=3", "redis://host/4", id="in the options"),
        pytest.param("unix:///run/redis.sock", "unix:///run/redis.sock?db=1", id="socket"),
        pytest.param("unix:///run/redis.sock?db=3", "unix:///run/redis.sock?db=4", id="socket db"),
        pytest.param(SENTINEL, SENTINEL.replace("db=2", "db=3"), id="Sentinel"),
        pytest.param("sentinel://a:1/main", "sentinel://a:1/main?db=1", id="Sentinel, no number"),
    ],
)
def test_the_broker_is_the_next_database(url: str, beside: str) -> None:
    assert check_redis_url(url) == url
    assert broker_beside(url) == beside
    database = connect(url).connection_pool.connection_kwargs.get("db", 0)
    assert connect(beside).connection_pool.connection_kwargs["db"] == database + 1


@pytest.mark.parametrize(
    ("url", "words"),
    [
        pytest.param("http://host/0", "must begin with", id="another scheme"),
        pytest.param("host:6379", "must begin with", id="no scheme"),
        pytest.param("redis+cluster://host", "must begin with", id="cluster"),
        pytest.param("sentinel://host:26379", "must name the master", id="master missing"),
        pytest.param("sentinel://host:x/main", "each Sentinel as host:port", id="Sentinel's port"),
        pytest.param("sentinel:///main", "each Sentinel as host:port", id="no Sentinel"),
        pytest.param("sentinel://host/main?ssl=1", "the option 'ssl'", id="Sentinel's options"),
        pytest.param("redis://host/zero", "by a number", id="name for a number"),
        pytest.param("unix:///run/redis.sock?db=x", "by a number", id="socket, no number"),
    ],
)
def test_refused(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_redis_url(url)


@pytest.mark.parametrize(
    ("url", "broker", "options"),
    [
        pytest.param("redis://u:p@host/1", "redis://u:p@host/1", {}, id="as it is"),
        pytest.param("rediss://host/1", "rediss://host/1", {}, id="TLS, as it is"),
        pytest.param(
            "unix:///run/redis.sock?db=1",
            "redis+socket:///run/redis.sock?virtual_host=1",
            {},
            id="socket",
        ),
        pytest.param(
            "unix://u:p@/run/redis.sock?db=1",
            "redis+socket://u:p@/run/redis.sock?virtual_host=1",
            {},
            id="socket with a login",
        ),
        pytest.param(
            SENTINEL,
            "sentinel://one.example:26379/2;sentinel://two.example:26380/2",
            {"master_name": "mymaster", **ASKED},
            id="Sentinel",
        ),
        pytest.param(
            "sentinel://u:p@one.example,two.example/main?db=1",
            "sentinel://u:p@one.example:26379/1;sentinel://u:p@two.example:26379/1",
            {"master_name": "main", **ASKED},
            id="Sentinel with a login, ports left out",
        ),
        pytest.param(
            "sentinel://one.example:0/main?db=1",
            "sentinel://one.example:0/1",
            {"master_name": "main", **ASKED},
            id="port 0 is a port, if a strange one",
        ),
        pytest.param(
            "sentinel://[::1]:7/main?sentinel_username=u&sentinel_password=p%20w",
            "sentinel://[::1]:7/0",
            {
                "master_name": "main",
                "sentinel_kwargs": {**TO_SENTINELS, "username": "u", "password": "p w"},
            },
            id="the Sentinels' own login",
        ),
    ],
)
def test_celery_broker(url: str, broker: str, options: dict[str, object]) -> None:
    assert celery_broker(url) == (broker, options)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param("redis://host:6380/4", {"host": "host", "port": 6380, "db": 4}, id="TCP"),
        pytest.param("rediss://host/4", {"host": "host", "db": 4}, id="TLS"),
        pytest.param("unix:///run/r.sock?db=4", {"path": "/run/r.sock", "db": 4}, id="socket"),
        pytest.param(
            "sentinel://u:p%40w@host:1/main?db=4",
            {"db": 4, "username": "u", "password": "p@w"},
            id="Sentinel",
        ),
        pytest.param(
            SENTINEL, {"db": 2, "username": None, "password": None}, id="Sentinel without a login"
        ),
    ],
)
def test_connect(url: str, expected: dict[str, object]) -> None:
    options = connect(url).connection_pool.connection_kwargs
    assert {name: options.get(name) for name in expected} == expected


@pytest.mark.parametrize("url", ["redis://host", "unix:///run/redis.sock", SENTINEL])
def test_no_client_repeats_a_command_by_itself(url: str) -> None:
    tried: list[int] = []

    def command() -> None:
        tried.append(1)
        raise redis.ConnectionError

    retry = connect(url).connection_pool.connection_kwargs["retry"]
    with pytest.raises(redis.ConnectionError):
        retry.call_with_retry(command, lambda _: None)
    assert len(tried) == 1


def test_what_the_caller_asks_for_wins() -> None:
    options = connect("redis://host", socket_timeout=0.7).connection_pool.connection_kwargs
    assert options["socket_timeout"] == 0.7
    assert options["decode_responses"] is True
    assert options["health_check_interval"] == 25


def test_the_sentinels_are_asked_as_the_address_says_and_each_once() -> None:
    url = "sentinel://u:p@[::1]:7,two.example/main?sentinel_password=secret"
    pool: Any = connect(url, socket_timeout=0.7).connection_pool
    asked = [each.connection_pool.connection_kwargs for each in pool.sentinel_manager.sentinels]
    assert [(each["host"], each["port"]) for each in asked] == [("::1", 7), ("two.example", 26379)]
    for each in asked:
        assert (each["password"], each["socket_connect_timeout"]) == ("secret", 0.5)
        assert each["retry"].get_retries() == 0
