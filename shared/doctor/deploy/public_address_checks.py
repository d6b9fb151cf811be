"""The checks of the public address: https, redirects, HSTS, and what strangers reach there."""

import re
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from shared.constant_contact.errors import ConnectionFailed
from shared.doctor import network_checks
from shared.doctor.deploy.requests import (
    WebAnswer,
    certificate_refusal,
    is_unknown_name,
    may_be_out_of_reach,
)
from shared.doctor.network_checks import PUBLIC_URL
from shared.domain.check import Check, CheckSubject
from shared.domain.durations import in_words
from shared.domain.web_addresses import is_loopback_host, is_loopback_url
from shared.infrastructure.settings import Bind

HTTPS = CheckSubject("https", "Visitors are protected by https")
CERTIFICATE = CheckSubject("certificate", "The certificate")
HTTP_REDIRECT = CheckSubject("http_redirect", "Nothing is served over plain http")
HSTS = CheckSubject("hsts", "Browsers stay with https (HSTS)")
CONSOLE = CheckSubject("console_host", "The console answers at the public address")
METRICS = CheckSubject("metrics", "Figures are not open to the world")
BODIES = CheckSubject("bodies", "Large bodies are refused")
DIRECT = CheckSubject("direct_access", "Visitors reach web through the proxy only")

# Renewing begins 30 days before the end, as certbot and Caddy do it. So something has failed.
CERTIFICATE_ENDS_SOON = timedelta(days=14)
HSTS_AT_LEAST = timedelta(days=180)
# More than web reads.
LARGE_BODY = 70_000
_EXAMPLES = "docs/proxies.md has whole files for nginx, Caddy and Traefik."


def https(url: str) -> Check:
    if url.startswith("https://") and not is_loopback_url(url):
        return HTTPS.ok(f"The public address is {url}.")
    if is_loopback_url(url):
        return HTTPS.problem(
            f"The public address is {url}, which nobody else can reach.",
            "Put a proxy with a certificate in front of web, and set RELAY_PUBLIC_URL to its"
            f" https:// address. {_EXAMPLES}",
        )
    return HTTPS.problem(
        f"The public address is {url}: others can read what visitors type, and passwords.",
        "Give the proxy in front of web a certificate, and set RELAY_PUBLIC_URL to the https://"
        f" address. {_EXAMPLES}",
    )


def without_https(subject: CheckSubject) -> Check:
    return subject.unknown("There is no https yet.", f"First do what '{HTTPS.title}' says.")


def unreachable(url: str, error: ConnectionFailed) -> Check:
    """Return why nothing answers at the public address; unknown if only this host may be at
    fault."""
    host = urlsplit(url).hostname
    if refusal := certificate_refusal(error):
        return PUBLIC_URL.problem(
            f"The certificate of {url} is refused: {refusal}.",
            f"Give the proxy a valid certificate for {host}, with its whole chain.",
        )
    if is_unknown_name(error):
        return PUBLIC_URL.problem(
            f"The name {host} has no address.", f"Add {host} to the DNS, or set RELAY_PUBLIC_URL."
        )
    if not may_be_out_of_reach(url, error):
        return PUBLIC_URL.problem(
            f"Nothing answers at {url} ({error}).",
            "Start the proxy and `relay web`, or correct RELAY_PUBLIC_URL.",
        )
    return PUBLIC_URL.unknown(
        f"It could not be checked from here: this host does not reach {url} ({error}). Behind"
        " some routers that is usual, and visitors reach it all the same.",
        'On a machine elsewhere, this must show HTTP 200, `{"ok": true}`, and the header'
        f" Strict-Transport-Security: curl -si {url}/healthz",
    )


def public_url(url: str, answer: WebAnswer, own_digest: str) -> Check:
    """Check who answers. A proxy that redirects to the same address never lets anybody in."""
    if 300 <= answer.status < 400 and answer.headers.get("location") == f"{url}/healthz":
        return PUBLIC_URL.problem(
            f"{url} redirects to itself without end. The proxy takes requests over https for http:"
            " something before it, such as a CDN, asks it by http.",
            "Let the CDN ask the proxy by https (Cloudflare: SSL mode `Full (strict)`).",
        )
    return network_checks.public_url(url, own_digest, lambda _: answer.as_health())


def certificate(until: datetime | None, now: datetime) -> Check:
    if until is None:
        return CERTIFICATE.unknown("The server does not tell when it ends.")
    left = until - now
    found = f"It is valid for {in_words(left)} more."
    if left >= CERTIFICATE_ENDS_SOON:
        return CERTIFICATE.ok(found)
    return CERTIFICATE.problem(
        f"{found} Afterwards no browser sends a sign-up.",
        "Renew it, and find out why nothing did so by itself.",
    )


def plain_url(url: str) -> str | None:
    """Return the http:// address of the same host; None if a port of its own hides it."""
    parts = urlsplit(url)
    return None if parts.port not in (None, 443) else f"http://{parts.hostname}{parts.path}"


def http_redirect(plain: str, answer: WebAnswer | None) -> Check:
    """Check what answers at the plain address; None is nothing."""
    if answer is None:
        return HTTP_REDIRECT.ok(f"Nothing answers at {plain}.")
    if 300 <= answer.status < 400:
        location = answer.headers.get("location", "")
        if location.startswith("https://"):
            return HTTP_REDIRECT.ok("It redirects to https.")
        return _in_the_clear(f"{plain} redirects, but not to https.")
    if answer.status >= 400:
        return HTTP_REDIRECT.ok(f"{plain} answers HTTP {answer.status}, and shows nothing.")
    return _in_the_clear(f"{plain} answers without https: passwords and sign-ups can be read.")


def _in_the_clear(found: str) -> Check:
    return HTTP_REDIRECT.problem(
        found, f"Let the proxy redirect every request over http to https. {_EXAMPLES}"
    )


def hsts(value: str | None, *, whole_host: bool) -> Check:
    """Check the header of an answer; `whole_host`: the public address has no path and no port,
    and web sends the header itself."""
    if value is None and whole_host:
        return HSTS.problem(
            "Strict-Transport-Security does not arrive: the first request of a browser may go over"
            " http, where others can change it.",
            "Restart web, which sends it, and let no proxy remove it.",
        )
    if value is None:
        return HSTS.advice(
            "Strict-Transport-Security does not arrive. It would count for the whole website.",
            "Let the website's proxy add it, if all of the website is https.",
        )
    ages = re.findall(r'max-age="?(\d{1,12})', value, re.IGNORECASE)
    if len(ages) > 1:
        return HSTS.advice(
            "Strict-Transport-Security arrives twice. Browsers take the first one.",
            "Let either the proxy or web send it.",
        )
    if not ages or timedelta(seconds=int(ages[0])) < HSTS_AT_LEAST:
        return HSTS.advice(
            f"Strict-Transport-Security is {value}: it lasts for less than half a year.",
            "Raise it to max-age=31536000, once https has worked for some days.",
        )
    return HSTS.ok(f"Strict-Transport-Security is {value}.")


def console(url: str, answer: WebAnswer) -> Check:
    if answer.status == 200:
        return CONSOLE.ok(f"It answers at {url}/console/.")
    host = answer.seen.host if answer.seen else None
    return CONSOLE.problem(
        f"{url}/console/ answers HTTP {answer.status}{f', with the Host {host}' if host else ''}.",
        "Let the proxy pass all paths, and the visitor's Host header:"
        f" `proxy_set_header Host $host;` in nginx. {_EXAMPLES}",
    )


def metrics(url: str, answer: WebAnswer) -> Check:
    if answer.status in (401, 403, 404):
        return METRICS.ok(f"{url}/metrics answers strangers HTTP {answer.status}.")
    if answer.status == 200:
        return METRICS.problem(
            f"Everybody can read {url}/metrics.",
            "Set RELAY_METRICS_TOKEN, or let the proxy refuse /metrics.",
        )
    return METRICS.unknown(f"{url}/metrics answers HTTP {answer.status}.")


def bodies(answer: WebAnswer) -> Check:
    """Check what becomes of a body that is too large.

    Web bounds slow ones itself (ADR 15), so it does not matter whether the proxy buffers.
    """
    if answer.status == 413:
        return BODIES.ok("They are (413). Slow ones end after some seconds, in web itself.")
    return BODIES.problem(
        f"A body of {LARGE_BODY:,} bytes gets HTTP {answer.status}, and not 413.",
        f"Let the proxy pass bodies of up to 1 MiB on: web refuses what is too large. {_EXAMPLES}",
    )


def direct_url(url: str, bind: Bind) -> str | None:
    """Return where strangers would reach web without the proxy; None if they cannot."""
    if is_loopback_host(bind.host):
        return None
    return f"http://{Bind(urlsplit(url).hostname or '', bind.port)}"


def direct_access(bind: Bind, direct: str | None, answer: WebAnswer | None) -> Check:
    """Check the address of web itself, by what answers at `direct`; None is nothing."""
    if direct is None:
        return DIRECT.ok(f"Web listens on {bind} alone, which only this host reaches.")
    if answer is None or answer.as_health().instance is None:
        return DIRECT.ok(f"Web listens on {bind}, but does not answer at {direct}.")
    return DIRECT.problem(
        f"Web answers at {direct}, without the proxy: in the clear, and with any made-up address.",
        "Set RELAY_BIND=127.0.0.1:8080, publish the container's port as 127.0.0.1:8080:8080, or"
        " close the port in the firewall.",
    )
