"""What runs beside a test, on a thread of its own, from ``with`` to its end."""

import threading
from abc import ABC, abstractmethod
from typing import Self


class Beside(ABC):
    """`_run` is to return soon after `_ended` is set."""

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @abstractmethod
    def _run(self) -> None:
        """Do what is to be done meanwhile."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(timeout=60)
