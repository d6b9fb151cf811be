"""The first operator of real processes: made once, and the password printed once."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.support.stack import Stack, eventually

pytestmark = pytest.mark.slow

PRINTED = re.compile(r"password  (\S+)")


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with Stack(tmp_path) as stack:
        yield stack


def sign_in(stack: Stack, name: str, password: str) -> int:
    answer = requests.post(
        f"{stack.url}/console/sign-in",
        data={"name": name, "password": password},
        headers={"Origin": stack.url},
        allow_redirects=False,
        timeout=10,
    )
    return answer.status_code


def test_web_prints_one_password_at_its_first_start_and_none_after_that(stack: Stack) -> None:
    web = stack.start_web()
    eventually(lambda: bool(PRINTED.search(stack.log)), what="the first password")
    [password] = PRINTED.findall(stack.log)
    assert f"{stack.url}/console/" in stack.log
    assert sign_in(stack, "admin", password) == 303

    stack.kill(web)
    stack.start_web()
    assert sign_in(stack, "admin", password) == 303
    assert PRINTED.findall(stack.log) == [password]
    assert re.search(rf"^\d\d:\d\d:\d\d .*{re.escape(password)}", stack.log, re.MULTILINE) is None


def test_while_redis_is_away_at_the_start_it_comes_with_the_first_look_at_the_sign_in(
    stack: Stack,
) -> None:
    stack.valkey.stop()
    stack.start_web()
    assert requests.get(f"{stack.url}/console/sign-in", timeout=10).status_code == 503
    assert PRINTED.findall(stack.log) == []
    assert "Traceback" not in stack.log

    stack.valkey.start()
    eventually(
        lambda: requests.get(f"{stack.url}/console/sign-in", timeout=10).ok, what="the sign-in"
    )
    eventually(lambda: bool(PRINTED.search(stack.log)), what="the first password")
    [password] = PRINTED.findall(stack.log)
    assert sign_in(stack, "admin", password) == 303
