"""The four forms of REDIS_URL, as redis-py and Celery each need them."""

import pytest
import redis

from shared.redis_urls import broker_beside, celery_broker, check_redis_url, connect

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
            SENTINEL,
            "sentinel://one.example:26379/2;sentinel://two.example:26380/2",
            {"master_name": "mymaster"},
            id="Sentinel",
        ),
        pytest.param(
            "sentinel://u:p@one.example,two.example/main?db=1",
            "sentinel://u:p@one.example:26379/1;sentinel://u:p@two.example:26379/1",
            {"master_name": "main"},
            id="Sentinel with a login, ports left out",
        ),
    ],
)
def test_celery_broker(url: str, broker: str, options: dict[str, str]) -> None:
    assert celery_broker(url) == (broker, options)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param("redis://host:6380/4", {"host": "host", "port": 6380, "db": 4}, id="TCP"),
        pytest.param("rediss://host/4", {"host": "host", "db": 4}, id="TLS"),
        pytest.param("unix:///run/r.sock?db=4", {"path": "/run/r.sock", "db": 4}, id="socket"),
        pytest.param(
            "sentinel://u:p@host:1/main?db=4",
            {"db": 4, "username": "u", "password": "p"},
            id="Sentinel",
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
