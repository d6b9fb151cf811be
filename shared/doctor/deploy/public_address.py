"""Asks the public address what strangers ask it, and checks the answers."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.constant_contact.errors import ConnectionFailed, DeadlineExceeded
from shared.doctor.deploy import public_address_checks as checks
from shared.doctor.deploy.forwarding_checks import FORWARDED_FOR, MADE_UP, forwarded_for
from shared.doctor.deploy.requests import WebAnswer, ask
from shared.doctor.deploy.visit import HEADER, Seen, proof
from shared.doctor.instance_header import instance_digest
from shared.domain.check import Check, CheckResult
from shared.infrastructure.settings import Settings

_NEED_HTTPS = (checks.CERTIFICATE, checks.HTTP_REDIRECT, checks.HSTS, FORWARDED_FOR)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicAddress:
    """`ask` sends a request with these headers, and raises `ConnectionFailed`."""

    settings: Settings
    now: Callable[[], datetime]
    ask: Callable[..., WebAnswer] = ask

    def run(self) -> Iterator[Check]:
        url = self.settings.public_url
        secure = checks.https(url)
        yield secure
        if secure.verdict != CheckResult.OK:
            yield from map(checks.without_https, _NEED_HTTPS)
            return
        try:
            answer = self.ask(f"{url}/healthz", self._visit(MADE_UP))
        except ConnectionFailed as error:
            yield checks.unreachable(url, error)
            return
        ours = checks.public_url(url, answer, instance_digest(self.settings.instance))
        yield ours
        yield from self._of_the_connection(url, answer)
        if ours.verdict == CheckResult.OK:
            yield from self._of_web(url, answer)

    def _of_the_connection(self, url: str, answer: WebAnswer) -> Iterator[Check]:
        yield checks.certificate(answer.certificate_until, self.now())
        yield self._http_redirect(url)

    def _of_web(self, url: str, answer: WebAnswer) -> Iterator[Check]:
        whole_host = self.settings.has_host_to_itself
        hsts = answer.headers.get("strict-transport-security")
        yield checks.hsts(hsts, whole_host=whole_host)
        yield forwarded_for(answer.seen, self.settings.trusted_proxies)
        yield self._direct_access(url)
        sign_in = self.ask(f"{url}/console/sign-in", self._visit())
        yield checks.console(url, sign_in)
        yield checks.metrics(url, self.ask(f"{url}/metrics", self._visit()))
        yield self._bodies(url)

    def _http_redirect(self, url: str) -> Check:
        plain = checks.plain_url(url)
        if plain is None:
            return checks.HTTP_REDIRECT.ok("The public address has a port of its own.")
        return checks.http_redirect(plain, self._answer_if_any(f"{plain}/healthz", {}))

    def _direct_access(self, url: str) -> Check:
        direct = checks.direct_url(url, self.settings.bind)
        answer = self._health_if_any(direct) if direct else None
        return checks.direct_access(self.settings.bind, direct, answer)

    def _bodies(self, url: str) -> Check:
        large = {"doctor": "x" * checks.LARGE_BODY}
        try:
            return checks.bodies(self.ask(f"{url}/healthz", self._visit(), post=large))
        except DeadlineExceeded as error:
            return checks.BODIES.unknown(f"A large body got {error}.")
        except ConnectionFailed:  # the proxy or web closed it, while the body was on its way
            return checks.BODIES.ok("They are: the connection was closed.")

    def seen_directly(self) -> Seen | None:
        """Return what web tells when it is asked on this host, or else at the public address."""
        for url in (f"http://{self.settings.bind.from_here()}", self.settings.public_url):
            answer = self._health_if_any(url)
            if answer and answer.seen:
                return answer.seen
        return None

    def _health_if_any(self, url: str) -> WebAnswer | None:
        return self._answer_if_any(f"{url}/healthz", self._visit())

    def _answer_if_any(self, url: str, headers: Mapping[str, str]) -> WebAnswer | None:
        try:
            return self.ask(url, headers)
        except ConnectionFailed:
            return None

    def _visit(self, forwarded: tuple[str, ...] = ()) -> Mapping[str, str]:
        made_up = {"X-Forwarded-For": ", ".join(forwarded)} if forwarded else {}
        return {HEADER: proof(self.settings.secret_keys[0], self.now()), **made_up}
