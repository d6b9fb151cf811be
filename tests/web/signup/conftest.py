"""Sign-ups in these tests come in as visitors' do, through the entrance and its fast path."""

import pytest
from flask import Flask

from tests.support.entrance_client import EntranceClient


@pytest.fixture(autouse=True)
def through_the_entrance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Flask, "test_client_class", EntranceClient)
