"""Every chaos test breaks a product of its own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.stack import Stack


@pytest.fixture
def make_stack(tmp_path: Path) -> Iterator[Callable[..., Stack]]:
    """Make a running stack with the given settings; it is ended with the test."""
    with ExitStack() as stacks:

        def make(**settings: str | int) -> Stack:
            return stacks.enter_context(Stack(tmp_path / "stack", **settings))  # type: ignore[arg-type]

        yield make
