"""The answer to an HTTP request."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Response:
    """An answer with its body read. The names of `headers` are in small letters."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes = b""
