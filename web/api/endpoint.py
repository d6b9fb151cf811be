"""What a route of the API declares: who may use it, what it reads, and what it answers.

The view gets what was sent as values that the schema has checked. The OpenAPI document is made of
the same declaration.
"""

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, jsonify, request
from marshmallow import Schema, ValidationError
from werkzeug.exceptions import BadRequest, Forbidden, UnsupportedMediaType

from shared.operations.operators import Role
from web.api.guard import caller

View = Callable[..., Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A route's declaration. `refusals` are the statuses that not every route has."""

    role: Role
    answer: Schema
    query: Schema | None = None
    body: Schema | None = None
    refusals: tuple[int, ...] = ()


def endpoint(
    role: Role,
    *,
    answer: Schema,
    query: Schema | None = None,
    body: Schema | None = None,
    refusals: tuple[int, ...] = (),
) -> Callable[[View], Callable[..., Response]]:
    """Declare a route. The view is called with `query` and `body`, where it has them."""
    declared = Endpoint(role=role, answer=answer, query=query, body=body, refusals=refusals)

    def decorate(view: View) -> Callable[..., Response]:
        @functools.wraps(view)
        def answered(**path: str) -> Response:
            _check_role(role)
            return jsonify(view(**path, **_sent(declared)))

        answered.endpoint = declared  # type: ignore[attr-defined]
        return answered

    return decorate


def _check_role(role: Role) -> None:
    if not caller().role.may(role):
        raise Forbidden(f"Your role does not allow this. It needs the role {role}.")


def _sent(declared: Endpoint) -> dict[str, Any]:
    """Return what was sent, as the view's arguments. Raises `ValidationError` for wrong fields."""
    query = {"query": declared.query.load(_read_query())} if declared.query else {}
    body = {"body": declared.body.load(_read_body())} if declared.body else {}
    return {**query, **body}


def _read_query() -> dict[str, str]:
    given = request.args.to_dict(flat=False)
    if twice := [name for name, values in given.items() if len(values) > 1]:
        raise ValidationError({name: ["Send it once."] for name in twice})
    return {name: values[0] for name, values in given.items()}


def _read_body() -> dict[str, Any]:
    """Return the JSON object that was sent."""
    if not request.is_json:
        raise UnsupportedMediaType("Send JSON, with Content-Type: application/json.")
    try:
        found = json.loads(request.get_data())
        json.dumps(found, ensure_ascii=False).encode()  # fails for half a character
    except (ValueError, RecursionError) as error:
        raise BadRequest("The body is no valid JSON.") from error
    if not isinstance(found, dict):
        raise BadRequest("Send a JSON object.")
    return found
