"""The sandbox as one WSGI app: its state and all its routes."""

from collections.abc import Collection
from datetime import UTC, datetime
from functools import partial

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from sandbox import error_answers
from sandbox.api import account_routes, contact_routes, gateway  # noqa: F401 routes of gateway.bp
from sandbox.config import Clock, SandboxConfig
from sandbox.control import contacts_page, control_routes
from sandbox.oauth import authorize_routes, device_routes, token_endpoint
from sandbox.own_hosts import is_ours
from sandbox.sandbox_state import State, current_state

_REAL_CLOCK = Clock()
_BLUEPRINTS = (
    authorize_routes.bp,
    token_endpoint.bp,
    device_routes.bp,
    gateway.bp,
    control_routes.bp,
    contacts_page.bp,
)


def create_app(config: SandboxConfig, clock: Clock = _REAL_CLOCK) -> Flask:
    """Return the sandbox as a WSGI app; its state lives as long as the app."""
    # The name of the package, so that Flask finds the templates and static files in it.
    app = Flask("sandbox", static_url_path="/sandbox/static")
    app.extensions["sandbox"] = State(config, clock)
    for blueprint in _BLUEPRINTS:
        app.register_blueprint(blueprint)
    app.register_error_handler(HTTPException, _gateway_answer)
    app.before_request(partial(_check_host, config.hosts))
    app.after_request(_forbid_caching)
    app.after_request(_protect_pages)
    app.after_request(_date)
    return app


def _gateway_answer(error: HTTPException) -> Response:
    """Answer as the gateway in front of the real API does to an unknown path."""
    status = error.code or 500
    if status in (404, 405):
        return error_answers.json_response({"message": "Forbidden"}, 403)
    return error_answers.json_response(error_answers.body_for(status), status)


def _check_host(hosts: Collection[str]) -> Response | None:
    """Refuse a request under a name that is not ours."""
    if is_ours(request.headers.get("Host", ""), hosts):
        return None
    text = (
        "The sandbox does not answer under this name. Use http://127.0.0.1 and its port, or start"
        " it with --host and the name.\n"
    )
    return Response(text, status=421, content_type="text/plain; charset=utf-8")


def _protect_pages(response: Response) -> Response:
    """Let pages load and run nothing but what is ours. Forms may lead to any application."""
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        " connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _forbid_caching(response: Response) -> Response:
    if not request.path.startswith("/sandbox/static/"):
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def _date(response: Response) -> Response:
    """Date the answer by the sandbox's clock, which may differ from the host's."""
    response.date = datetime.fromtimestamp(current_state().now(), UTC)
    return response
