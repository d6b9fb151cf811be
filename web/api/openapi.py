"""``openapi.json``: the OpenAPI document, made of what the routes declare."""

import functools
import re
from collections.abc import Iterator
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask, current_app
from marshmallow import Schema, fields
from werkzeug.routing import Rule

from shared.operations.operators import Role
from web.api import bp
from web.api.endpoint import Endpoint, endpoint
from web.api.schemas import AnswerSchema, ErrorSchema
from web.services import services

VERSION = "1"
_OPENAPI = "3.1.0"
_INTRODUCTION = "What operators of signup-relay do, as JSON for scripts."
# What every route may answer with, and what the others declare.
_FOR_ALL = (401, 403, 429, 500, 503)
_WITH_BODY = (400, 413, 415)
_REFUSALS = {
    400: "The body is no JSON object.",
    401: "No key was sent, or it is wrong or has ended.",
    403: "The operator's role does not allow this.",
    404: "There is none of this id or name.",
    409: "Its state does not allow this.",
    413: "The body is too large.",
    415: "The body has another Content-Type than JSON.",
    422: "Some fields are wrong. `errors` names each.",
    429: "Too many wrong keys came from the address.",
    500: "Something went wrong in signup-relay.",
    503: "Redis is away. Nothing is lost.",
}
_PLACE = re.compile(r"<(?:\w+:)?(\w+)>")


class DocumentSchema(AnswerSchema):
    """The document itself."""

    openapi = fields.String(required=True)
    info = fields.Dict(required=True)
    paths = fields.Dict(required=True)
    components = fields.Dict(required=True)
    servers = fields.List(fields.Dict(), required=True)
    security = fields.List(fields.Dict(), required=True)


@bp.get("/openapi.json")
@endpoint(Role.VIEWER, answer=DocumentSchema())
def openapi() -> dict[str, Any]:
    """Describe the API as OpenAPI 3.1 does."""
    return _document(services().settings.public_url)


@functools.cache
def _document(public_url: str) -> dict[str, Any]:
    return make_document(current_app, public_url)


def make_document(app: Flask, public_url: str) -> dict[str, Any]:
    """Return the OpenAPI document of the app's API."""
    spec = APISpec(
        "signup-relay",
        VERSION,
        _OPENAPI,
        plugins=[MarshmallowPlugin(schema_name_resolver=_schema_name)],
        info={"description": _INTRODUCTION},
        servers=[{"url": public_url}],
        security=[{"key": []}],
    )
    spec.components.security_scheme("key", {"type": "http", "scheme": "bearer"})
    for status, about in _REFUSALS.items():
        spec.components.response(str(status), _response(about, ErrorSchema()))
    for rule, declared in api_routes(app):
        spec.path(_PLACE.sub(r"{\1}", rule.rule), operations=_operations(app, rule, declared))
    return spec.to_dict()


def api_routes(app: Flask) -> Iterator[tuple[Rule, Endpoint]]:
    """Yield every route of the API, with what it declares."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith(f"{bp.name}."):
            yield rule, vars(app.view_functions[rule.endpoint])["endpoint"]


def method_of(rule: Rule) -> str:
    [method] = (rule.methods or set()) - {"HEAD", "OPTIONS"}
    return method


def _operations(app: Flask, rule: Rule, declared: Endpoint) -> dict[str, Any]:
    name = rule.endpoint.removeprefix(f"{bp.name}.")
    operation: dict[str, Any] = {
        "operationId": name,
        "summary": (app.view_functions[rule.endpoint].__doc__ or "").split("\n")[0],
        "description": f"Needs the role {declared.role}.",
        "parameters": [_path_parameter(each) for each in sorted(rule.arguments)],
        "responses": {"200": _response("Done.", declared.answer), **_refusals(declared)},
    }
    if declared.query:
        operation["parameters"].append({"in": "query", "schema": declared.query})
    if declared.body:
        content = {"application/json": {"schema": declared.body}}
        operation["requestBody"] = {"required": True, "content": content}
    return {method_of(rule).lower(): operation}


def _refusals(declared: Endpoint) -> dict[str, str]:
    """Return the statuses of refusals, each with the name of its response."""
    checked = (422,) if declared.query or declared.body else ()
    statuses = {*_FOR_ALL, *checked, *(_WITH_BODY if declared.body else ()), *declared.refusals}
    return {str(status): str(status) for status in sorted(statuses)}


def _path_parameter(name: str) -> dict[str, Any]:
    return {"in": "path", "name": name, "required": True, "schema": {"type": "string"}}


def _response(about: str, schema: Schema) -> dict[str, Any]:
    return {"description": about, "content": {"application/json": {"schema": schema}}}


def _schema_name(schema: Any) -> str:
    kind = schema if isinstance(schema, type) else type(schema)
    return kind.__name__.removesuffix("Schema")
