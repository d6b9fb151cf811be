"""Every chaos test breaks a product of its own."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.stack import Stack

LOG_SHOWN = 8000


@pytest.fixture
def make_stack(tmp_path: Path) -> Iterator[Callable[..., Stack]]:
    """Make a running stack with the given settings; it is ended with the test."""
    with ExitStack() as stacks:

        def make(**settings: str | int) -> Stack:
            stack = Stack(tmp_path / "stack", **settings)  # type: ignore[arg-type]
            # Once the stack has ended. pytest shows it where a test has failed.
            stacks.callback(lambda: sys.stderr.write(stack.log[-LOG_SHOWN:]))
            return stacks.enter_context(stack)

        yield make
