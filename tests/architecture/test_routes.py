"""Each route of the web app is on this list: nothing is public by accident."""

from pathlib import Path

from tests.architecture.project import settings_in
from web.app import create_app

PUBLIC = {
    ("/f/<name>", "GET"): "the hosted form",
    ("/f/<name>", "OPTIONS"): "asked by browsers before a page may post here",
    ("/f/<name>", "POST"): "takes a sign-up",
    ("/f/<name>/thanks", "GET"): "thanks the visitor",
    ("/connect/callback", "GET"): "the OAuth redirect URI: works once, with the state it was given",
    ("/healthz", "GET"): "lives",
    ("/readyz", "GET"): "could store a sign-up",
    ("/static/<path:filename>", "GET"): "style sheets",
}


def test_every_route_is_public_on_purpose(tmp_path: Path) -> None:
    served = {
        (rule.rule, method)
        for rule in create_app(settings_in(tmp_path)).url_map.iter_rules()
        for method in rule.methods or ()
        # HEAD comes with GET; of OPTIONS only our own answer counts, not Flask's.
        if method != "HEAD" and (method != "OPTIONS" or rule.endpoint == "forms.preflight")
    }
    assert served == set(PUBLIC)
