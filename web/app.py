"""The web app: what it is made of, its security headers, and what its unexpected errors show."""

import functools
import logging
import socket
import time
import traceback
import uuid
from collections.abc import Iterable
from urllib.parse import urlsplit

from flask import Flask, Response, g, make_response, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from shared.infrastructure.celery_client import Publisher
from shared.infrastructure.email_syntax import check_email
from shared.infrastructure.redis_urls import connect as connect_redis
from shared.infrastructure.sealing import Sealer
from shared.infrastructure.settings import Settings
from shared.ledger.durability import warn_of_losses
from shared.ledger.fingerprints import load_fingerprints
from shared.ledger.ledger import Ledger
from shared.ledger.registry import Registry
from shared.operations.assembly import make_account_tools, make_replays, utc_now
from shared.operations.operations import Operations
from shared.operations.operators import Operators
from web import connect_pages, health
from web.console import pages
from web.console.guard import set_up_sessions
from web.signup import routes
from web.signup.draining import Drainer
from web.signup.form_cache import FILE_NAME as FORMS_FILE
from web.signup.form_cache import FormCache
from web.signup.intake import Intake
from web.signup.notifier import WorkerNotifier
from web.signup.reading import wants_json
from web.signup.redis_deadline import RedisDeadline
from web.signup.spool import Spool

log = logging.getLogger(__name__)

# As many visitors as are served at once; each asks Redis for one thing at a time.
THREADS = 32

_MESSAGES = {404: "There is nothing at this address.", 405: "That cannot be done here."}


def create_app(settings: Settings) -> Flask:
    """Return the app for `settings`. Redis need not be there yet."""
    app = Flask(__name__)
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 300
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    # A visitor waits: less than VISITOR_WAITS, so that a thread of the pool is free again soon.
    client = connect_redis(settings.redis_url, socket_timeout=0.7, socket_connect_timeout=0.3)
    budget = RedisDeadline(threads=THREADS, clock=time.monotonic)
    sealer = Sealer(settings.secret_keys)
    load = functools.partial(load_fingerprints, client, sealer)
    form_cache = FormCache(Registry(client), settings.data_dir / FORMS_FILE, clock=time.monotonic)
    notifier = WorkerNotifier(Publisher(settings).notify_workers, clock=time.monotonic)
    # Whoever connects an account waits for Constant Contact anyway, and may for Redis.
    patient = connect_redis(settings.redis_url, socket_timeout=5)
    spool = Spool(settings.spool_folder, limit=settings.spool_bytes, now=utc_now)
    drainer = Drainer(
        spool,
        patient,
        folder=settings.data_dir,
        host=socket.gethostname(),
        fingerprints=lambda client: load_fingerprints(client, sealer),
        notify_workers=notifier.notify_workers,
        now=utc_now,
        sleep=time.sleep,
    )
    intake = Intake(
        ledger=Ledger(client, fsync=settings.accept_fsync),
        fingerprints=functools.cache(load),
        spool=spool,
        drain=drainer.wake,
        notifier=notifier,
        check_email=check_email,
        new_id=lambda: str(uuid.uuid4()),
        limit=settings.visitor_limit,
    )
    app.extensions |= {
        "settings": settings,
        "budget": budget,
        "forms": form_cache,
        "intake": intake,
        "accounts": make_account_tools(settings, patient, notifier.notify_workers),
        "operations": Operations(
            Ledger(patient),
            Registry(patient),
            make_replays(settings, patient),
            fingerprints=lambda: load_fingerprints(patient, sealer),
            check_email=check_email,
            now=utc_now,
            notify_workers=notifier.notify_workers,
        ),
        "operators": Operators(patient),
        "probe": load,
        "spool": spool,
    }
    set_up_sessions(app, settings)
    form_cache.refresh(budget.allowance().ask)
    warn_of_losses(client)
    if spool.exists():
        drainer.wake()
    app.register_blueprint(routes.bp)
    app.register_blueprint(connect_pages.bp)
    app.register_blueprint(health.bp)
    app.register_blueprint(pages.bp)
    app.after_request(_secure)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected)
    if settings.trusted_proxies:
        proxies = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=0, x_host=0)  # type: ignore[method-assign]
    return app


def _secure(response: Response) -> Response:
    """Add the security headers.

    A page names in `g.form_targets` where its form may lead, in `g.framed_by` who may frame it.
    """
    policy = (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none';"
        # Chrome applies form-action to where a post is redirected, too.
        f" form-action {_sources(g.get('form_targets', ()))};"
        f" frame-ancestors {_sources(g.get('framed_by', ()))}"
    )
    response.headers.setdefault("Content-Security-Policy", policy)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    # Not less: the form that is posted from our own page must still send its origin.
    response.headers.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")
    if request.endpoint != "static":
        # Pages may show what was typed, answers are one visitor's own.
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def _sources(addresses: Iterable[str]) -> str:
    """Return our own host and those of `addresses`, as a policy lists them."""
    origins = [origin for origin in map(_origin, addresses) if origin]
    return " ".join(["'self'", *dict.fromkeys(origins)])


def _origin(address: str) -> str | None:
    """Return the origin of `address` if a policy can name it."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    origin = f"{parts.scheme}://{parts.netloc}"
    plain = parts.scheme in ("http", "https") and not set(origin) & set(" ;,'\"")
    return origin if plain and origin.isprintable() and origin.isascii() else None


def _http_error(error: HTTPException) -> ResponseReturnValue:
    code = error.code or 500
    message = _MESSAGES.get(code) or error.description or "That cannot be done."
    response = make_response(_error(code, message))
    for name, value in error.get_response().headers.items():
        if name in ("Allow", "Location"):
            response.headers[name] = value
    return response


def _unexpected(error: Exception) -> ResponseReturnValue:
    # The message of an exception may quote what a visitor typed; its type and place do not.
    frames = traceback.extract_tb(error.__traceback__)
    place = " < ".join(f"{frame.filename}:{frame.lineno}" for frame in reversed(frames[-6:]))
    log.error("unexpected error", extra={"error": type(error).__name__, "place": place})
    return _error(500, "Something went wrong here. It has been noted; please try again.")


def _error(code: int, message: str) -> ResponseReturnValue:
    if wants_json(request):
        return {"ok": False, "error": message, "errors": []}, code
    return render_template("problem.html", status=code, message=message), code
