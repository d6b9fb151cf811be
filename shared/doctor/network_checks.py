"""The checks over the network: our own public address, and Constant Contact's API."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Self
from urllib.parse import urlsplit

from shared.accounts import checks
from shared.constant_contact.answers import read_body
from shared.constant_contact.client import clock_ahead_in
from shared.constant_contact.connection import Connection
from shared.constant_contact.errors import ConnectionFailed
from shared.constant_contact.response import Response
from shared.doctor.instance_header import HEADER
from shared.domain.check import Check, CheckSubject
from shared.domain.forwarding import Misfit
from shared.domain.lasting_failures import what_helps
from shared.domain.web_addresses import is_loopback_url
from shared.infrastructure.stored_records import RecordKind, read_one

PUBLIC_URL = CheckSubject("public_url", "The public address leads here")
PROXIES = CheckSubject("proxies", "Proxies say who the visitors are")
API = CheckSubject("constant_contact", "Constant Contact's API answers")

ANSWER_WITHIN = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class HealthAnswer:
    """The answer to GET /healthz at the public address.

    `body` is its JSON, if any; `instance` the digest of the installation's name, which web tells
    the doctor alone.
    """

    status: int
    location: str | None
    body: object
    instance: str | None

    @classmethod
    def of(cls, status: int, headers: Mapping[str, str], body: object) -> Self:
        """Return the answer; `headers` have names in lower case."""
        return cls(status, headers.get("location"), body, headers.get(HEADER.lower()))


@dataclass(frozen=True, slots=True)
class ApiPing:
    """The answer of the API to a request without a token; `clock_ahead` is by how much its clock is
    ahead of this host's."""

    status: int
    clock_ahead: timedelta | None


def read_health(url: str, headers: Mapping[str, str], within: timedelta) -> HealthAnswer:
    """Ask for our own health at `url`, with `headers` that show who asks.

    Raises `ConnectionFailed`.
    """
    response = _get(f"{url}/healthz", within, headers)
    return HealthAnswer.of(response.status_code, response.headers, read_body(response))


def read_api(url: str, now: Callable[[], datetime], within: timedelta) -> ApiPing:
    """Ask the API at `url` for anything, without a token. Raises `ConnectionFailed`."""
    response = _get(f"{url}/account/summary", within)
    return ApiPing(response.status_code, clock_ahead_in(response, now()))


def public_url(url: str, own_digest: str, read: Callable[[str], HealthAnswer]) -> Check:
    """Check that this installation, and nobody else, answers at RELAY_PUBLIC_URL."""
    try:
        answer = read(url)
    except ConnectionFailed as error:
        return _nothing_answers(url, error)
    return _answer_of_another(url, answer, own_digest) or _https(url)


def _answer_of_another(url: str, answer: HealthAnswer, own_digest: str) -> Check | None:
    """Return the problem with an answer that is not this installation's; None if it is."""
    if 300 <= answer.status < 400:
        return PUBLIC_URL.problem(
            f"{url} answers with a redirect to {_origin(answer.location) or 'nowhere'}.",
            "Set RELAY_PUBLIC_URL to the address that it leads to. A redirect loses what a form"
            " posts, and Constant Contact compares the redirect URI letter by letter.",
        )
    if answer.status != 200 or not _is_healthy(answer.body):
        return PUBLIC_URL.problem(
            f"Something else answers at {url}: HTTP {answer.status}.",
            "Let the proxy there pass all requests to `relay web`, or correct RELAY_PUBLIC_URL.",
        )
    if answer.instance is None:
        return PUBLIC_URL.problem(
            f"A signup-relay answers at {url} that does not know this RELAY_SECRET_KEY.",
            "Correct RELAY_PUBLIC_URL, or give all processes of one installation the same"
            " RELAY_SECRET_KEY. A proxy must pass on the header Relay-Doctor, and the clocks of"
            " both hosts must agree to a minute.",
        )
    if answer.instance != own_digest:
        return PUBLIC_URL.problem(
            f"A signup-relay with another name than this one answers at {url}.",
            "Correct RELAY_PUBLIC_URL, or give all processes of one installation the same"
            " RELAY_INSTANCE.",
        )
    return None


def _is_healthy(body: object) -> bool:
    return isinstance(body, dict) and body.get("ok") is True


def _nothing_answers(url: str, error: ConnectionFailed) -> Check:
    if is_loopback_url(url):
        return PUBLIC_URL.problem(
            f"Nothing answers at {url} ({error}).",
            "Start `relay web`. For visitors from elsewhere, set RELAY_PUBLIC_URL.",
        )
    return PUBLIC_URL.problem(
        f"Nothing answers at {url} from this host ({error}).",
        "Start `relay web` and the proxy in front of it, or correct RELAY_PUBLIC_URL. If visitors"
        " can reach it, only this host cannot.",
    )


def _https(url: str) -> Check:
    if url.startswith("https://") or is_loopback_url(url):
        return PUBLIC_URL.ok(f"This installation answers at {url}.")
    return PUBLIC_URL.advice(
        f"This installation answers at {url}, but not over https.",
        "Put a proxy with a certificate in front of it: others can read what visitors type.",
    )


def proxies(read: Callable[[], str | None]) -> Check:
    """Check that RELAY_TRUSTED_PROXIES fits, by what web noted of requests in the last day."""
    noted = read()
    if noted is None:
        return PROXIES.ok("No request of the last day contradicts RELAY_TRUSTED_PROXIES.")
    misfit = read_one(RecordKind.PROXIES, "", partial(Misfit.from_json, noted))
    if misfit is None:
        return PROXIES.unknown("The note of web about its requests cannot be read.")
    tell = PROXIES.problem if misfit.certain else PROXIES.advice
    return tell(misfit.found, f"{misfit.fix} docs/proxies.md has examples.")


def constant_contact(url: str, read: Callable[[], ApiPing]) -> Iterator[Check]:
    """Check that the API answers, and compare its clock. A refusal is as good as any answer."""
    try:
        answer = read()
    except ConnectionFailed as error:
        yield API.problem(
            f"{_origin(url)} does not answer ({error}). Sign-ups are accepted and wait.",
            f"Deliveries resume by themselves. If it lasts, {what_helps('no answer')}.",
        )
        return
    if answer.status < 500:
        yield API.ok(f"{_origin(url)} answers.")
    else:
        yield API.problem(
            f"{_origin(url)} fails (HTTP {answer.status}). Sign-ups are accepted and wait.",
            f"Deliveries resume by themselves. If it lasts, {what_helps(f'HTTP {answer.status}')}.",
        )
    yield checks.clock(answer.clock_ahead)


def _origin(url: str | None) -> str | None:
    """Return scheme and host of an address, without user, path and query."""
    try:
        parts = urlsplit(url or "")
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.hostname}{port}" if parts.scheme and parts.hostname else None


def _get(url: str, within: timedelta, headers: Mapping[str, str] | None = None) -> Response:
    with Connection() as connection:
        return connection.send("GET", url, headers=headers, deadline=within)
