"""Each route of the web app is on this list or asks for a role: nothing is public by accident."""

from pathlib import Path

from flask import Flask
from werkzeug.routing import Rule

from tests.architecture.project import settings_in
from tests.web.console.test_console_roles import LEAST_ROLE
from web.app import create_app

PUBLIC = {
    ("/", "GET"): "says what runs here",
    ("/embed.js", "GET"): "the script of websites",
    ("/f/<name>", "GET"): "the hosted form",
    ("/f/<name>", "OPTIONS"): "asked by browsers before a page may post here",
    ("/f/<name>", "POST"): "takes a sign-up",
    ("/f/<name>/challenge", "GET"): "a challenge for the proof of work of a form that asks for one",
    ("/f/<name>/style.css", "GET"): "the colours of the form's pages",
    ("/f/<name>/fields", "GET"): "describes the form to scripts that draw it",
    ("/f/<name>/thanks", "GET"): "thanks the visitor",
    ("/connect/callback", "GET"): "the OAuth redirect URI: works once, with the state it was given",
    (
        "/connect/again/<pending_id>",
        "POST",
    ): "continues with tokens that were kept, known by their id",
    ("/connect/link/<token>", "GET"): "a client's link, signed",
    ("/connect/link/<token>", "POST"): "sends the client to the login",
    ("/console/sign-in", "GET"): "asks for name and password",
    ("/console/sign-in", "POST"): "takes them, so many times",
    ("/console/sign-in/code", "GET"): "asks for a code, if the password was right",
    ("/console/sign-in/code", "POST"): "takes it, so many times",
    ("/console/sign-out", "POST"): "ends the session, whose token it needs",
    ("/healthz", "GET"): "lives",
    ("/metrics", "GET"): "metrics, for programs on this machine or with RELAY_METRICS_TOKEN",
    ("/readyz", "GET"): "could store a sign-up",
    ("/.well-known/security.txt", "GET"): "whom to tell of a weakness, if that is set",
    ("/static/<path:filename>", "GET"): "style sheets",
}


def test_every_route_is_public_on_purpose_or_asks_for_a_role(tmp_path: Path) -> None:
    app = create_app(settings_in(tmp_path))
    served = {
        (rule.rule, method)
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
        # HEAD comes with GET; of OPTIONS only our own answer counts, not Flask's.
        if method != "HEAD" and (method != "OPTIONS" or rule.endpoint == "forms.preflight")
        if not asks_for_a_role(app, rule)
    }
    assert served == set(PUBLIC)


def asks_for_a_role(app: Flask, rule: Rule) -> bool:
    """Whether the view is one of the console's under `needs`, or one of the API's under
    `endpoint`, and so behind the guard of these."""
    for name, prefix, mark in (("console", "/console/", "needs"), ("api", "/api/v1/", "endpoint")):
        if rule.endpoint.startswith(f"{name}.") and rule.rule.startswith(prefix):
            return hasattr(app.view_functions[rule.endpoint], mark)
    return False


def test_every_route_of_the_console_is_tried_with_every_role(tmp_path: Path) -> None:
    served = {
        f"{method} {rule.rule}"
        for rule in create_app(settings_in(tmp_path)).url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/console")
    }
    assert served == set(LEAST_ROLE)
