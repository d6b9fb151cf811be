"""The OpenAPI document, held against the routes by schemathesis.

It sends what the document allows, and what it forbids. Whatever comes back is a documented answer.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import APIOperation, GenerationMode
from schemathesis.checks import load_all_checks
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import ignored_auth

from shared.ledger.ledger import Ledger
from tests.architecture.project import read
from tests.support.api_script import Script
from tests.support.builders import accept, bury
from web.api import PREFIX
from web.api.openapi import api_routes, make_document, method_of

Operation = APIOperation[Any, Any, Any, Any]
load_all_checks()
# What the document cannot say is refused, too: a reason that no form has, a date without a month.
_LEFT_OUT = {"positive_data_acceptance"}
# Events differ. Custom fields may be corrected, too. The document describes itself.
_OPEN = {"Event", "Corrections", "Document"}
FEW, MANY = 6, 100


@pytest.fixture
def document(app: Flask) -> dict[str, Any]:
    """The document, in which no answer may have a key that it does not name."""
    with app.app_context():
        made: dict[str, Any] = json.loads(json.dumps(make_document(app, "http://localhost")))
    for name, schema in made["components"]["schemas"].items():
        if name not in _OPEN and schema.get("additionalProperties") is True:
            schema["additionalProperties"] = False
    return made


def test_it_has_every_route_and_no_other(app: Flask, document: dict[str, Any]) -> None:
    documented = {
        (path, method) for path, operations in document["paths"].items() for method in operations
    }
    served = {
        (rule.rule.replace("<", "{").replace(">", "}"), method_of(rule).lower())
        for rule, _ in api_routes(app)
    }
    assert documented == served


def test_it_is_what_is_served(viewer: Script, document: dict[str, Any]) -> None:
    served = viewer.get("/openapi.json").get_json()
    assert served["openapi"] == "3.1.0"
    assert served["servers"] == [{"url": "http://127.0.0.1:8080"}]
    assert served["paths"] == document["paths"]
    assert served["security"] == [{"key": []}]


def test_every_operation_says_what_it_does(document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["summary"].endswith("."), path
            assert operation["description"].startswith("Needs the role"), path


@pytest.fixture
def seeds(ledger: Ledger) -> dict[str, list[str]]:
    """What a path may name so that something is found."""
    dead = [bury(ledger, f"dead-{number}@example.com") for number in range(3)]
    caught = [accept(ledger, f"c-{n}@example.com", quarantine="honeypot").id for n in range(3)]
    return {"id": [*dead, *caught], "name": ["acme"]}


@pytest.fixture(params=[pytest.param(FEW, id="few"), pytest.param(MANY, marks=pytest.mark.slow)])
def examples(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_answer_is_documented(
    app: Flask,
    document: dict[str, Any],
    admin: Script,
    seeds: dict[str, list[str]],
    mode: GenerationMode,
    examples: int,
) -> None:
    for operation in _operations(document, app):
        _hold_against_it(operation, admin.key, seeds, mode, examples)


def _operations(document: dict[str, Any], app: Flask) -> Iterator[Operation]:
    loaded = schemathesis.openapi.from_dict(document)
    loaded.app = app
    for found in loaded.get_all_operations():
        assert isinstance(found, Ok), found
        yield found.ok()


def _hold_against_it(
    operation: Operation,
    key: str,
    seeds: dict[str, list[str]],
    mode: GenerationMode,
    examples: int,
) -> None:
    names = [each.name for each in operation.path_parameters]

    @settings(
        max_examples=examples,
        database=None,
        derandomize=examples == FEW,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def check(data: st.DataObject) -> None:
        known = {name: data.draw(st.sampled_from(seeds[name])) for name in names}
        path = known if names and data.draw(st.sampled_from([True, False])) else None
        case = data.draw(operation.as_strategy(mode, path_parameters=path))
        headers = {"Authorization": f"Bearer {key}"}
        answer = case.call(headers=headers)
        left_out = [each for each in _checks() if each.__name__ in _left_out(operation, case)]
        case.validate_response(answer, headers=headers, excluded_checks=[*left_out, ignored_auth])

    check()


def _left_out(operation: Operation, case: "schemathesis.Case[Any]") -> set[str]:
    # Routes without parameters do not look for any.
    ignored = case.query and not operation.query
    return _LEFT_OUT | ({"negative_data_rejection"} if ignored else set())


def _checks() -> list[Any]:
    return list(schemathesis.checks.CHECKS.get_all())


def test_the_guide_has_every_route_with_its_role(app: Flask) -> None:
    rows = re.findall(r"^\| `(\w+) (\S+)`.* \| (\w+) \|$", read("docs/api.md"), re.MULTILINE)
    served = {
        (method_of(rule), rule.rule.removeprefix(f"{PREFIX}/"), str(declared.role))
        for rule, declared in api_routes(app)
    }
    assert set(rows) == served
