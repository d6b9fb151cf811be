"""Puts the sandbox together: one Flask app, its state, and its blueprints."""

from datetime import UTC, datetime

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from sandbox import api, authorize, control, device, errors, pages, token_endpoint
from sandbox.config import Clock, SandboxConfig
from sandbox.state import State, current_state

_REAL_CLOCK = Clock()


def create_app(config: SandboxConfig, clock: Clock = _REAL_CLOCK) -> Flask:
    """Return the sandbox as a WSGI app; its state lives as long as the app."""
    app = Flask(__name__, static_url_path="/sandbox/static")
    app.extensions["sandbox"] = State(config, clock)
    for module in (authorize, token_endpoint, device, api, control, pages):
        app.register_blueprint(module.bp)
    app.register_error_handler(HTTPException, _gateway_answer)
    app.after_request(_keep_fresh)
    app.after_request(_date)
    return app


def _gateway_answer(error: HTTPException) -> Response:
    """Answer as the gateway in front of the real API does to any path it does not know."""
    if error.code in (404, 405):
        return errors.json_response({"message": "Forbidden"}, 403)
    return errors.json_response(errors.body_for(error.code or 500), error.code or 500)


def _keep_fresh(response: Response) -> Response:
    if not request.path.startswith("/sandbox/static/"):
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def _date(response: Response) -> Response:
    """Date the answer by the sandbox's clock, which need not be the host's."""
    response.date = datetime.fromtimestamp(current_state().now(), UTC)
    return response
