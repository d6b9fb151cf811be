"""The security headers of every answer, and the Content-Security-Policy of visitors' pages."""

from collections.abc import Iterable

from flask import Response, g, request

from shared.domain.web_addresses import split_address
from shared.infrastructure.settings import Settings

# For pages of operators and their clients: no window or page of another site gets hold of them.
ALONE = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# For a year, browsers ask this host over https alone. Subdomains are left out, as other websites
# may be there.
_HTTPS_ONLY = "max-age=31536000"


def add_security_headers(response: Response) -> Response:
    """Add the headers that the answer does not have yet.

    A page names in `g.form_targets` where its form may lead, in `g.framed_by` who may frame it;
    None is nobody. `g.has_captcha` says that it does a proof of work, `g.in_frame` that it tells a
    website its height.
    """
    targets, framed_by = g.get("form_targets", ()), g.get("framed_by", ())
    has_captcha = g.get("has_captcha", False)
    has_script = has_captcha or g.get("in_frame", False)
    headers = security_headers(targets, framed_by, has_script=has_script, has_captcha=has_captcha)
    for name, value in headers.items():
        response.headers.setdefault(name, value)
    if request.endpoint == "static" and response.status_code < 400:
        # Modules, such as captcha.js, load on other websites only if these may read them.
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    else:
        # Pages may show what a visitor typed, and answers are for one visitor only.
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def security_headers(
    form_targets: Iterable[str] = (),
    framed_by: Iterable[str] | None = (),
    *,
    has_script: bool = False,
    has_captcha: bool = False,
) -> dict[str, str]:
    """Return the headers of an answer whose forms may lead there, and that those may frame."""
    framing = "'none'" if framed_by is None else _sources(framed_by)
    scripts = " script-src 'self';" if has_script else ""
    requests = " connect-src 'self';" if has_captcha else ""
    policy = (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none';"
        f"{scripts}{requests}"
        # Chrome applies form-action to the redirects after a post, too.
        f" form-action {_sources(form_targets)}; frame-ancestors {framing}"
    )
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        # Nothing stricter: a form that our own page posts must still send its origin.
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    }


def transport_security(settings: Settings) -> dict[str, str]:
    """Return the header that keeps browsers from plain http, if nobody shares the host with us.

    It counts for all ports and paths of the host. So an address with a port of its own gets none,
    nor does a developer's `localhost`.
    """
    if not settings.has_host_to_itself or settings.has_local_address:
        return {}
    return {"Strict-Transport-Security": _HTTPS_ONLY}


def _sources(addresses: Iterable[str]) -> str:
    """Return our own host and those of `addresses`, as a policy lists them."""
    origins = [origin for origin in map(_origin, addresses) if origin]
    return " ".join(["'self'", *dict.fromkeys(origins)])


def _origin(address: str) -> str | None:
    """Return the origin of `address` if a policy can name it."""
    try:
        parts = split_address(address)
    except ValueError:
        return None
    origin = f"{parts.scheme}://{parts.netloc}"
    plain = parts.scheme in ("http", "https") and not set(origin) & set(" ;,'\"")
    return origin if plain and origin.isprintable() and origin.isascii() else None
