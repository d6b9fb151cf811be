"""Settings: read once from the environment. All wrong settings are reported together, by name.

Every setting NAME may also be given as NAME_FILE, the path of a file with the value, as Docker
secrets do. docs/settings.md describes each one. ADR 12 says why this uses no library.
"""

import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TypeVar, cast
from urllib.parse import SplitResult, urlsplit

from shared.domain.durations import read_duration
from shared.domain.errors import SettingsError
from shared.domain.retention import Retention
from shared.domain.second_factor import WhoMustHaveOne
from shared.domain.token_origin import TokenOrigin
from shared.domain.web_addresses import dns_name, is_loopback_host, is_loopback_url
from shared.infrastructure.alert_services import read_addresses
from shared.infrastructure.logs import LogFormat
from shared.infrastructure.redis_urls import broker_beside, check_redis_url

API_URL = "https://api.cc.email/v3"
SANDBOX_BIND = "127.0.0.1:8090"
AUTH_URL = "https://authz.constantcontact.com/oauth2/default/v1"

# Somebody who has a sealed token can guess shorter keys.
LONG_ENOUGH_SECRET = 16
# Makes a key, for messages that ask for one.
NEW_KEY_COMMAND = 'python3 -c "import secrets; print(secrets.token_urlsafe(32))"'

_SHORT_KEY = f"RELAY_SECRET_KEY has a key of less than {LONG_ENOUGH_SECRET} characters"
_BETTER_KEY = f"make a better one with: {NEW_KEY_COMMAND}"

_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
_UNKNOWN = "\0unknown"  # in place of a value that cannot be read; the problem is reported already
# A millisecond, and 30 years of seconds: neither is a pace or a patience that anybody means.
_SMALLEST, _LARGEST = 0.001, 1_000_000_000
_LONGEST_SHOWN = 80
# Serving processes: so many by default, and so many if somebody asks for them.
MOST_PROCESSES_BY_ITSELF, MOST_PROCESSES = 8, 64
_HINTS = {
    "REDIS_URL": ", and no `relay up` is running in this folder",
    "RELAY_SECRET_KEY": "; it signs and encrypts, and every process needs the same one",
    "CTCT_CLIENT_ID": "; it is the API key of your application at Constant Contact",
    "CTCT_CLIENT_SECRET": "; it belongs to the API key in CTCT_CLIENT_ID",
}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Bind:
    """Where web listens."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def from_here(self) -> "Bind":
        """Return the address at which this machine itself reaches the server."""
        everywhere = ("0.0.0.0", "::")  # noqa: S104 - only compared, nobody listens here
        return Bind("127.0.0.1", self.port) if self.host in everywhere else self


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `count` in `window`."""

    count: int
    window: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting, parsed. Fields that may hold a secret stay out of `repr`."""

    redis_url: str = field(repr=False)
    broker_url: str = field(repr=False)
    client_id: str
    client_secret: str = field(repr=False)
    secret_keys: tuple[str, ...] = field(repr=False)
    accept_fsync: bool
    api_url: str
    auth_url: str
    requests_per_second: float
    requests_per_day: int
    public_url: str
    instance: str
    bind: Bind
    sandbox_bind: Bind
    data_dir: Path
    token_refresh: timedelta
    lease: timedelta
    send_deadline: timedelta
    max_attempts: int
    retry_base: timedelta
    spool_bytes: int
    task_events: bool
    visitor_limit: RateLimit | None
    person_limit: RateLimit | None
    trusted_proxies: int
    web_processes: int
    alerts: tuple[str, ...] = field(repr=False)
    alert_after: timedelta
    heartbeat_url: str | None = field(repr=False)
    security_contact: str | None = field(repr=False)
    retention: Retention
    retain_audit: timedelta | None
    files: tuple[Path, ...]  #: from which settings were read
    require_second_factor: WhoMustHaveOne
    metrics_token: str | None = field(repr=False)
    log_format: LogFormat

    @property
    def token_origin(self) -> TokenOrigin:
        """Where tokens come from, and the only place that they are sent to."""
        return TokenOrigin(api_url=self.api_url, auth_url=self.auth_url)

    @property
    def redirect_uri(self) -> str:
        """The OAuth redirect URI. The application at Constant Contact needs exactly this one."""
        return f"{self.public_url}/connect/callback"

    @property
    def owns_https_host(self) -> bool:
        """Whether the public address is all of a host, over https: no website shares it with us."""
        parts = urlsplit(self.public_url)
        return parts.scheme == "https" and not parts.path

    @property
    def has_host_to_itself(self) -> bool:
        """Whether nobody else serves the public address' host, on another path or port either."""
        return self.owns_https_host and urlsplit(self.public_url).port in (None, 443)

    @property
    def has_local_address(self) -> bool:
        """Whether the public address can only mean this machine."""
        return is_loopback_url(self.public_url)

    @property
    def spool_folder(self) -> Path:
        """Where web stores sign-ups while Redis is away; a folder of its own."""
        return self.data_dir / "spool"

    def advice(self) -> list[str]:
        """Return a sentence for each setting that works but should be changed."""
        found = []
        if not all(len(key) >= LONG_ENOUGH_SECRET for key in self.secret_keys):
            found.append(f"{_SHORT_KEY}, which can be guessed; {_BETTER_KEY}")
        if urlsplit(self.public_url).scheme == "http" and not self.has_local_address:
            found.append(
                "RELAY_PUBLIC_URL is not https: others can read what visitors type, and operators'"
                " passwords and sessions; put a proxy with a certificate in front of web, and set"
                " the https address (docs/proxies.md)"
            )
        return found

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Return the settings in `environ`.

        Raises `SettingsError` with every problem found, not only the first.
        """
        return _Reader(environ).settings()


def find_sandbox_bind(environ: Mapping[str, str]) -> Bind:
    """Return where the sandbox has to listen, before there are settings. A wrong value is not
    reported here."""
    wanted: Bind | None = _Reader(environ)._get("RELAY_SANDBOX_BIND", SANDBOX_BIND, parse_bind)
    return wanted or parse_bind(SANDBOX_BIND)


def find_log_format(environ: Mapping[str, str]) -> LogFormat:
    """Return how a process has to log, before there are settings: what is wrong with them, too."""
    return _Reader(environ)._get("RELAY_LOG_FORMAT", "text", _log_format) or "text"


class _Reader:
    """Reads one setting after the other and collects their problems."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._problems: list[str] = []
        self._files: list[Path] = []

    def settings(self) -> Settings:
        redis_url = self._get("REDIS_URL", "", check_redis_url)
        bind = self._get("RELAY_BIND", "127.0.0.1:8080", parse_bind)
        lease = self._get("RELAY_LEASE_SECONDS", "60", _seconds)
        public_url = self._get("RELAY_PUBLIC_URL", _local_url(bind), _public_url)
        settings = Settings(
            redis_url=redis_url,
            broker_url=self._get("RELAY_BROKER_URL", self._beside(redis_url), check_redis_url),
            accept_fsync=self._get("RELAY_ACCEPT_FSYNC", "0", _flag),
            client_id=self._get("CTCT_CLIENT_ID", "", str),
            client_secret=self._get("CTCT_CLIENT_SECRET", "", str),
            api_url=self._get("CTCT_API_URL", API_URL, _http_url),
            auth_url=self._get("CTCT_AUTH_URL", AUTH_URL, _http_url),
            requests_per_second=self._get("CTCT_REQUESTS_PER_SECOND", "4", _positive),
            requests_per_day=self._get("CTCT_REQUESTS_PER_DAY", "10000", _count),
            secret_keys=self._get("RELAY_SECRET_KEY", "", _secret_keys),
            public_url=public_url,
            instance=self._get("RELAY_INSTANCE", public_url or _UNKNOWN, str),
            bind=bind,
            sandbox_bind=self._get("RELAY_SANDBOX_BIND", SANDBOX_BIND, parse_bind),
            data_dir=self._get("RELAY_DATA_DIR", ".relay", Path),
            token_refresh=self._get("RELAY_TOKEN_REFRESH_SECONDS", "14400", _seconds),
            lease=lease,
            send_deadline=self._get("RELAY_SEND_DEADLINE_SECONDS", _within(lease), _seconds),
            max_attempts=self._get("RELAY_MAX_ATTEMPTS", "12", _count),
            retry_base=self._get("RELAY_RETRY_BASE_SECONDS", "15", _seconds),
            spool_bytes=self._get("RELAY_SPOOL_BYTES", "67108864", _bytes),
            task_events=self._get("RELAY_TASK_EVENTS", "0", _flag),
            visitor_limit=self._get("RELAY_VISITOR_LIMIT", "30/minute", _rate_limit),
            person_limit=self._get("RELAY_PERSON_LIMIT", "5/day", _rate_limit),
            trusted_proxies=self._get("RELAY_TRUSTED_PROXIES", "0", _whole),
            web_processes=self._get("RELAY_WEB_PROCESSES", _one_for_each_core(), _processes),
            alerts=self._get("RELAY_ALERTS", "none", read_addresses),
            alert_after=self._get("RELAY_ALERT_AFTER_SECONDS", "60", _seconds),
            heartbeat_url=self._get("RELAY_HEARTBEAT_URL", "none", _heartbeat_url),
            security_contact=self._get("RELAY_SECURITY_CONTACT", "none", _security_contact),
            retention=self._retention(),
            retain_audit=self._get("RELAY_RETAIN_AUDIT", "365d", _kept_for),
            require_second_factor=self._get(
                "RELAY_REQUIRE_SECOND_FACTOR", "none", _who_must_have_one
            ),
            metrics_token=self._get("RELAY_METRICS_TOKEN", "none", _metrics_token),
            log_format=self._get("RELAY_LOG_FORMAT", "text", _log_format),
            files=tuple(self._files),
        )
        if not self._problems:
            self._problems.extend(_contradictions(settings))
        if self._problems:
            raise SettingsError(self._problems)
        return settings

    def _retention(self) -> Retention:
        return Retention(
            delivered=self._get("RELAY_RETAIN_DELIVERED", "30d", _kept_for),
            discarded=self._get("RELAY_RETAIN_DISCARDED", "30d", _kept_for),
            quarantined=self._get("RELAY_RETAIN_QUARANTINED", "30d", _kept_for),
            dead=self._get("RELAY_RETAIN_DEAD", "never", _kept_for),
            consent=self._get("RELAY_RETAIN_CONSENT", "never", _kept_for),
            addresses=self._get("RELAY_ANONYMIZE_ADDRESSES", "90d", _kept_for),
        )

    def _beside(self, redis_url: str | None) -> str:
        return broker_beside(redis_url) if redis_url else _UNKNOWN

    def _get(self, name: str, default: str, parse: Callable[[str], T]) -> T:
        """Return the parsed value; anything after a problem, since nobody will use it."""
        raw = self._raw(name) or default
        if raw == _UNKNOWN:
            return cast(T, None)
        try:
            if "\0" in raw:
                raise ValueError("has a NUL character in it")
            if not raw:
                raise ValueError(f"is not set{_HINTS.get(name, '')}")
            return parse(raw)
        except ValueError as error:
            self._problems.append(f"{name} {error}")
            return cast(T, None)

    def _raw(self, name: str) -> str:
        path = self._environ.get(f"{name}_FILE")
        if not path:
            return self._environ.get(name, "").strip()
        self._files.append(Path(path))
        if self._environ.get(name):
            self._problems.append(f"{name} and {name}_FILE are both set; keep one of them")
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            cause = error.strerror
        except UnicodeDecodeError:
            cause = "it is not UTF-8 text"
        # Not the path: somebody may have set the secret itself.
        self._problems.append(f"{name}_FILE names a file that cannot be read: {cause}")
        return _UNKNOWN


def _within(lease: timedelta | None) -> str:
    """Return the default for one request: 20 seconds, or half of a lease that is short."""
    return f"{min(20.0, lease.total_seconds() / 2):g}" if lease else _UNKNOWN


def _local_url(bind: Bind | None) -> str:
    """Return the URL at which a browser on this machine reaches web, for trying it out."""
    return f"http://{bind.from_here()}" if bind else _UNKNOWN


def _contradictions(settings: Settings) -> list[str]:
    problems = []
    if settings.send_deadline >= settings.lease:
        problems.append(
            "RELAY_SEND_DEADLINE_SECONDS must be less than RELAY_LEASE_SECONDS; otherwise a claim"
            " could expire while its request still runs"
        )
    if settings.redis_url == settings.broker_url:
        problems.append(
            "RELAY_BROKER_URL must be another database than REDIS_URL; the ledger and Celery's"
            " messages need separate databases"
        )
    is_local = settings.has_local_address and is_loopback_host(settings.bind.host)
    if len(settings.secret_keys[0]) < LONG_ENOUGH_SECRET and not is_local:
        problems.append(
            f"{_SHORT_KEY}, and others can reach this installation (RELAY_PUBLIC_URL, RELAY_BIND)."
            " Who guesses it can read the tokens and sign in. Put a new key first, before a comma"
            f" and the old one; {_BETTER_KEY}"
        )
    return problems


def _flag(raw: str) -> bool:
    match raw.lower():
        case "1" | "true" | "yes" | "on":
            return True
        case "0" | "false" | "no" | "off":
            return False
    raise ValueError(f"must be 0 or 1, not {_shown(raw)}")


def _whole(raw: str) -> int:
    if not re.fullmatch("[0-9]{1,15}", raw):
        raise ValueError(f"must be a whole number, not {_shown(raw)}")
    return int(raw)


def _count(raw: str) -> int:
    number = _whole(raw)
    if number == 0:
        raise ValueError("must be at least 1")
    return number


def _bytes(raw: str) -> int:
    try:
        return _whole(raw)
    except ValueError as error:
        raise ValueError(f"{error}; 64 MiB are 67108864 bytes, and 0 is none") from error


def _shown(raw: str) -> str:
    """Return what was typed, or its beginning, for a message. Not for what may hold a secret.

    Before an `@`, there may be a password even where none belongs.
    """
    raw = raw.rpartition("@")[2]
    return repr(raw if len(raw) <= _LONGEST_SHOWN else f"{raw[:_LONGEST_SHOWN]}…")


def _positive(raw: str) -> float:
    try:
        number = float(raw)
    except ValueError:
        number = math.nan
    if not _SMALLEST <= number <= _LARGEST:  # nor is NaN
        bounds = f"from {_SMALLEST} to {_LARGEST:,}"
        raise ValueError(f"must be a number above 0, {bounds}, not {_shown(raw)}")
    return number


def _seconds(raw: str) -> timedelta:
    return timedelta(seconds=_positive(raw))


def _kept_for(raw: str) -> timedelta | None:
    if raw == "never":
        return None
    try:
        return read_duration(raw)
    except ValueError as error:
        raise ValueError(f"{error}, or never, not {_shown(raw)}") from None


def _who_must_have_one(raw: str) -> WhoMustHaveOne:
    try:
        return WhoMustHaveOne(raw.lower())
    except ValueError:
        raise ValueError(f"must be none, admin or all, not {_shown(raw)}") from None


def _secret_keys(raw: str) -> tuple[str, ...]:
    keys = tuple(key.strip() for key in raw.split(",") if key.strip())
    if not keys:
        raise ValueError("contains only commas, and no key")
    return keys


def _http_url(raw: str) -> str:
    """Return the address without a slash at its end. It is never quoted: it may hold a password."""
    parts = _web_address(raw)
    if "@" in parts.netloc or "?" in raw or "#" in raw:
        raise ValueError("must be an address without a user, `?` and `#`")
    return raw.rstrip("/")


def _web_address(raw: str) -> SplitResult:
    example = "must be an address such as https://signup.example.com"
    try:
        parts = urlsplit(raw)
        port = parts.port
    except ValueError:
        raise ValueError(f"{example}, with a port from 1 to 65535 if any") from None
    if parts.scheme not in ("http", "https") or not _is_host(parts.hostname or ""):
        raise ValueError(example)
    if port == 0 or parts.netloc.endswith(":"):
        raise ValueError(f"{example}, with a port from 1 to 65535 if any")
    return parts


def _is_host(name: str) -> bool:
    try:
        return _HOST.fullmatch(dns_name(name)) is not None
    except UnicodeError:  # a label that is empty or too long
        return False


# A name or an address; urlsplit takes the brackets off an IPv6 address.
_HOST = re.compile(r"[\w.-]+|[0-9a-f:.]+(%\w+)?")
# What needs no escaping in an address (RFC 3986), so that everybody spells it alike.
_PLAIN_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*")


def _public_url(raw: str) -> str:
    """Return the address without a slash at its end. It may have a path."""
    url = _http_url(raw)
    parts = urlsplit(url)
    if not _PLAIN_PATH.fullmatch(parts.path) or {".", ".."} & set(parts.path.split("/")):
        raise ValueError("can have a path such as /signup, of letters a to z, digits and . _ ~ -")
    return url


def _heartbeat_url(raw: str) -> str | None:
    """Return the address. It is never quoted: anybody who knows it can ping it."""
    if raw == "none":
        return None
    _web_address(raw)
    return raw


_EMAIL = re.compile(r"[\w.!#$&'*+/=^`{|}~-]{1,64}@[a-z0-9-]+(\.[a-z0-9-]+)+", re.ASCII | re.I)
_PRINTED = re.compile(r"[!-~]+")


def _security_contact(raw: str) -> str | None:
    """Return the contact as an address that begins with `mailto:` or `https:` (RFC 9116, 2.5.3)."""
    if raw == "none":
        return None
    email = raw.removeprefix("mailto:")
    if _EMAIL.fullmatch(email):
        return f"mailto:{email}"
    if raw.startswith("https://") and _PRINTED.fullmatch(raw) and "@" not in raw:
        _web_address(raw)
        return raw
    raise ValueError(
        "must be an e-mail address such as mailto:security@example.com, or an https: address of a"
        " page that says how to report"
    )


def _log_format(raw: str) -> LogFormat:
    if raw == "json":
        return "json"
    if raw == "text":
        return "text"
    raise ValueError(f"must be text or json, not {_shown(raw)}")


def _metrics_token(raw: str) -> str | None:
    """Return the token. It is never quoted."""
    if raw == "none":
        return None
    if len(raw) < LONG_ENOUGH_SECRET or not _PRINTED.fullmatch(raw):
        raise ValueError(
            f"must have at least {LONG_ENOUGH_SECRET} characters, ASCII without blanks, as anybody"
            f" can try to guess it; make one with: {NEW_KEY_COMMAND}"
        )
    return raw


def parse_bind(raw: str) -> Bind:
    """Return HOST:PORT as a `Bind`; raises a `ValueError` that says what is wrong."""
    host, _, port = raw.rpartition(":")
    if not host or not re.fullmatch("[0-9]{1,5}", port) or not 0 < int(port) < 65_536:
        raise ValueError(f"must be HOST:PORT, such as 127.0.0.1:8080, not {_shown(raw)}")
    return Bind(host.strip("[]"), int(port))


def _one_for_each_core() -> str:
    """Return how many processes can run at the same time on this host, or in this container."""
    return str(min(len(os.sched_getaffinity(0)), MOST_PROCESSES_BY_ITSELF))


def _processes(raw: str) -> int:
    number = _count(raw)
    if number > MOST_PROCESSES:
        raise ValueError(f"must be at most {MOST_PROCESSES}, not {_shown(raw)}")
    return number


def _rate_limit(raw: str) -> RateLimit | None:
    if raw == "0":
        return None
    count, _, unit = raw.partition("/")
    if not re.fullmatch("[0-9]+", count) or unit not in _UNITS:
        raise ValueError(f"must be like 30/minute (or second, hour, day), or 0, not {_shown(raw)}")
    return RateLimit(_count(count), timedelta(seconds=_UNITS[unit]))
