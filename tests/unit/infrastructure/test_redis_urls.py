"""The four forms of REDIS_URL, as redis-py and Celery each need them."""

import itertools
import re
import ssl
import string
from typing import Any
from urllib.parse import quote, unquote

import pytest
import redis
from kombu.utils.url import parse_url, url_to_parts
from redis.backoff import NoBackoff
from redis.retry import Retry

from shared.infrastructure.redis_address import parse
from shared.infrastructure.redis_urls import broker_beside, celery_broker, check_redis_url, connect

TO_SENTINELS = {
    "socket_timeout": 1.0,
    "socket_connect_timeout": 0.5,
    "retry": Retry(NoBackoff(), 0),
}
ASKED = {"sentinel_kwargs": TO_SENTINELS}
SENTINEL = "sentinel://one.example:26379,two.example:26380/mymaster?db=2"


@pytest.mark.parametrize(
    ("url", "checked", "beside"),
    [
        pytest.param("redis://host", "redis://host/0", "redis://host/1", id="no number is 0"),
        pytest.param(
            "redis://:pw@h:6380/4", "redis://:pw@h:6380/4", "redis://:pw@h:6380/5", id="path"
        ),
        pytest.param(
            "rediss://host/0?ssl_cert_reqs=none",
            "rediss://host/0?ssl_cert_reqs=none",
            "rediss://host/1?ssl_cert_reqs=none",
            id="TLS keeps its options",
        ),
        pytest.param("redis://host?db=3", "redis://host/3", "redis://host/4", id="in the options"),
        pytest.param(
            "unix:///run/redis.sock",
            "unix:///run/redis.sock?db=0",
            "unix:///run/redis.sock?db=1",
            id="socket",
        ),
        pytest.param(SENTINEL, SENTINEL, SENTINEL.replace("db=2", "db=3"), id="Sentinel"),
        pytest.param(
            "sentinel://a/main",
            "sentinel://a:26379/main?db=0",
            "sentinel://a:26379/main?db=1",
            id="Sentinel, no number",
        ),
    ],
)
def test_the_broker_is_the_next_database(url: str, checked: str, beside: str) -> None:
    assert check_redis_url(url) == checked
    assert broker_beside(url) == broker_beside(checked) == beside
    database = connect(url).connection_pool.connection_kwargs.get("db", 0)
    assert connect(beside).connection_pool.connection_kwargs["db"] == database + 1


@pytest.mark.parametrize(
    ("url", "words"),
    [
        pytest.param("http://host/0", "must begin with", id="another scheme"),
        pytest.param("host:6379", "must begin with", id="no scheme"),
        pytest.param("redis:/host", "must begin with", id="one slash"),
        pytest.param("redis+cluster://host", "must begin with", id="cluster"),
        pytest.param("sentinel://host:26379", "must name the master", id="master missing"),
        pytest.param("sentinel://host:x/main", "each port by a number", id="Sentinel's port"),
        pytest.param("sentinel:///main", "each Sentinel as host:port", id="no Sentinel"),
        pytest.param("sentinel://a,,b/main", "each Sentinel as host:port", id="a Sentinel missing"),
        pytest.param("sentinel://host/main?ssl=1", "the option 'ssl'", id="Sentinel's options"),
        pytest.param("redis://host/zero", "by a number", id="name for a number"),
        pytest.param("redis://host/-1", "by a number", id="negative number"),
        pytest.param("redis://host/0/1", "by a number", id="two numbers"),
        pytest.param("redis://host/٣", "by a number", id="other digits"),
        pytest.param("unix:///run/redis.sock?db=x", "by a number", id="socket, no number"),
        pytest.param("unix://?db=0", "must name the socket", id="no socket"),
        pytest.param("unix://run/redis.sock", "percent-encoded", id="socket with two slashes"),
        pytest.param("redis://host:port/0", "each port by a number", id="port in words"),
        pytest.param(f"redis://host/{'9' * 5000}", "by a number", id="huge number"),
        pytest.param(f"redis://host:{'9' * 5000}", "each port by a number", id="huge port"),
        pytest.param("redis://host:0/0", "each port by a number", id="port 0"),
        pytest.param("redis://host:65536/0", "each port by a number", id="port too high"),
        pytest.param("redis://a:1,b:2/0", "each port by a number", id="two hosts"),
        pytest.param("redis://::1/0", "each port by a number", id="IPv6 without brackets"),
        pytest.param("redis://[::1/0", "IPv6 address in brackets", id="half a bracket"),
        pytest.param("redis://a host/0", "each host", id="blank in the host"),
        pytest.param("redis://:pa#ss@host/0", "# is %23", id="# in a password"),
        pytest.param("redis://:pa?ss@host/0", "? is %3F", id="? in a password"),
        pytest.param("redis://:pa/ss@host/0", "/ is %2F", id="/ in a password"),
        pytest.param("redis://:pa[ss@host/0", "[ is %5B", id="[ in a password"),
        pytest.param("redis://:pa@ss@host/0", "@ is %40", id="@ in a password"),
        pytest.param("redis://:pa%ss@host/0", "% is %25", id="% in a password"),
        pytest.param("redis://:pa ss@host/0", "percent-encoded", id="blank in a password"),
        pytest.param("redis://u#1:pw@host/0", "percent-encoded", id="# in a user name"),
        pytest.param("unix://:pa/ss@/run/r.sock", "percent-encoded", id="socket, / in a password"),
        pytest.param("sentinel://:p#w@a/main", "percent-encoded", id="Sentinel, # in a password"),
        pytest.param("redis://host/0?ssl_cert_reqs=none", "begin with rediss://", id="no TLS"),
        pytest.param("rediss://h?ssl_cert_reqs=maybe", "none, optional or required", id="value"),
        pytest.param("rediss://h?ssl_check_hostname=si", "true or false", id="flag"),
        pytest.param("rediss://h?ssl_ca_certs=", "must be a value", id="empty"),
        pytest.param("rediss://h?ssl_ca_certs=/nope.pem", "No such file", id="no file"),
        pytest.param(
            "rediss://h?ssl_ca_certs=pyproject.toml", "cannot be used", id="no certificate"
        ),
        pytest.param("rediss://h?ssl_keyfile=k.pem", "ssl_certfile", id="key alone"),
        pytest.param("redis://host?timeout=5", "the option 'timeout'", id="unknown option"),
        pytest.param("redis://host?socket_timeout=x", "redis:// knows db", id="an option of ours"),
        pytest.param("redis://host?what%20ever", "has the option;", id="no name"),
    ],
)
def test_refused(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        check_redis_url(url)


def test_no_part_of_a_password_is_in_an_error() -> None:
    """Whatever is in it: the errors of the libraries quote what follows a `#` or a `/`."""
    for one, other in itertools.product(string.printable.strip(), "#/?@%[:a"):
        password = f"Qx{one}Wy{other}Kz"
        for url in (
            f"redis://:{password}@127.0.0.1:6379/0",
            f"rediss://relay:{password}@cache:6380?ssl_cert_reqs=none",
            f"unix://:{password}@/run/redis.sock",
            f"sentinel://:{password}@one.example/main",
        ):
            try:
                address = parse(check_redis_url(url))
            except ValueError as error:
                assert not re.search("Qx|Wy|Kz|127|cache|one.example", str(error)), url
            else:
                assert address.password == unquote(password), url


@pytest.mark.parametrize("password", ["pa#ss/w?rd", "p@ss", "100%", "[x]", "a b", ":;,+&=", "ü"])
@pytest.mark.parametrize(
    "form", ["redis://u:{}@h/0", "rediss://u:{}@h/0", "unix://u:{}@/r.sock", "sentinel://u:{}@h/m"]
)
def test_an_encoded_password_reaches_both_libraries(password: str, form: str) -> None:
    url = check_redis_url(form.format(quote(password, safe="")))
    assert connect(url).connection_pool.connection_kwargs["password"] == password
    broker, _ = celery_broker(url)
    assert url_to_parts(broker.partition(";")[0]).password == password


@pytest.mark.parametrize("written", ["none", "CERT_NONE", "None", "cert_none", "ssl.CERT_NONE"])
def test_what_to_demand_of_a_certificate_may_be_written_as_celery_does(written: str) -> None:
    url = check_redis_url(f"rediss://host/0?ssl_cert_reqs={written}")
    assert url == "rediss://host/0?ssl_cert_reqs=none"
    connection: Any = connect(url).connection_pool.make_connection()
    assert connection.cert_reqs == ssl.CERT_NONE
    assert parse_url(celery_broker(url)[0])["ssl"] == {"ssl_cert_reqs": ssl.CERT_NONE}


@pytest.mark.parametrize(
    ("written", "checks"), [("TRUE", "true"), ("1", "true"), ("No", "false"), ("off", "false")]
)
def test_a_flag_may_be_written_in_several_ways(written: str, checks: str) -> None:
    url = check_redis_url(f"rediss://host/0?ssl_check_hostname={written}")
    assert url == f"rediss://host/0?ssl_check_hostname={checks}"


@pytest.mark.parametrize(
    ("url", "broker", "options"),
    [
        pytest.param("redis://u:p@host/1", "redis://u:p@host/1", {}, id="as it is"),
        pytest.param(
            "rediss://host/1",
            "rediss://host/1?ssl_cert_reqs=required",
            {},
            id="TLS, where kombu by itself trusts everybody",
        ),
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
