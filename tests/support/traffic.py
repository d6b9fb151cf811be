"""Visitors who sign up all the time while a test breaks things, and what they were told."""

import itertools
import threading

import requests

from tests.support.beside import Beside
from tests.support.stack import Stack


class Traffic(Beside):
    """Posts sign-ups of new people, one after the other.

    `accepted` has the addresses that were answered with 202, `ids` the sign-ups' ids in the same
    order, `refused` every other answer.
    """

    def __init__(self, stack: Stack, *, name: str = "person", pause: float = 0.02) -> None:
        super().__init__()
        self.accepted: list[str] = []
        self.ids: list[str] = []
        self.refused: list[int | str] = []
        self._stack = stack
        self._name = name
        self._pause = pause
        self._going = threading.Lock()

    def pause(self) -> threading.Lock:
        """Let nobody sign up within this context, nor be in the middle of it."""
        return self._going

    def _run(self) -> None:
        for number in itertools.count():
            with self._going:
                self._post(f"{self._name}-{number}@example.com")
            if self._ended.wait(self._pause):
                return

    def _post(self, email: str) -> None:
        try:
            answer = self._stack.post(email=email)
        except requests.RequestException as error:
            self.refused.append(type(error).__name__)
            return
        if answer.status_code == 202:
            self.ids.append(answer.json()["id"])
            self.accepted.append(email)
        else:
            self.refused.append(answer.status_code)
