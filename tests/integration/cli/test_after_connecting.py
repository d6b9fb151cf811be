"""What other tests take for a connected account is what `relay connect` makes."""

import redis

from tests.support.after_connecting import OF_TOKENS, AfterConnecting, lasting_keys
from tests.support.command_line import CommandLine
from tests.support.sandbox_server import SandboxServer

# These are others each time: the tokens, sealed and as digests, and the moments they came.
DIFFERS = ("access", "refresh", "previous", "digest")
MOMENTS = ("received_at", "refreshed_at", "expires_at")


def all_but_tokens(client: "redis.Redis") -> dict[str, bytes | None]:
    of_tokens = {f"relay:{{acme}}:{name}" for name in OF_TOKENS}
    return {key: client.dump(key) for key in lasting_keys(client) - of_tokens}


def of_tokens(client: "redis.Redis") -> tuple[dict[str, str], int]:
    found = {str(name): str(value) for name, value in client.hgetall("relay:{acme}:tokens").items()}
    return found, client.zcard("relay:{acme}:token-spent")


def test_what_is_put_back_is_what_connecting_leaves(
    really_connected: CommandLine, redis_client: "redis.Redis", sandbox: SandboxServer
) -> None:
    expected, (tokens, spent) = all_but_tokens(redis_client), of_tokens(redis_client)
    kept = AfterConnecting()
    kept.keep(redis_client, "acme")
    redis_client.flushall()

    kept.put_back(redis_client, "acme", sandbox.connect(), really_connected.settings)

    assert all_but_tokens(redis_client) == expected
    again, spent_again = of_tokens(redis_client)
    assert spent_again == spent
    assert again.keys() == tokens.keys()
    same = tokens.keys() - {*DIFFERS, *MOMENTS}
    assert {name: again[name] for name in same} == {name: tokens[name] for name in same}
    assert all(again[name] != tokens[name] for name in DIFFERS)
    assert really_connected("lists", "acme").status == 0
