"""deploy/traefik: Debian has no package of it, so the files are parsed.

nginx' and Caddy's files are run: tests/integration/deploy/.
"""

from typing import Any

import yaml

from tests.architecture.project import read

STATIC: dict[str, Any] = yaml.safe_load(read("deploy/traefik/traefik.yml"))
DYNAMIC: dict[str, Any] = yaml.safe_load(read("deploy/traefik/signup-relay.yml"))["http"]


def test_traefik_redirects_to_https_and_trusts_no_header() -> None:
    plain, tls = STATIC["entryPoints"]["web"], STATIC["entryPoints"]["websecure"]
    assert plain["http"]["redirections"]["entryPoint"]["to"] == "websecure"
    assert tls["forwardedHeaders"] == {"insecure": False, "trustedIPs": []}


def test_traefik_logs_no_address_of_a_page() -> None:
    fields = STATIC["accessLog"]["fields"]
    assert fields["defaultMode"] == fields["headers"]["defaultMode"] == "drop"
    assert not {"RequestPath", "RequestLine", "request_Referer"} & set(fields["names"])
    assert set(fields["names"].values()) == {"keep"}


def test_traefiks_names_fit() -> None:
    for name, router in DYNAMIC["routers"].items():
        assert router["entryPoints"] == ["websecure"] and router["tls"]
        assert router["service"] in DYNAMIC["services"]
        used = set(router.get("middlewares", ()))
        assert used <= set(DYNAMIC["middlewares"])
        assert ("signup-relay-hsts" in used) == name.endswith("-path")
    (server,) = DYNAMIC["services"]["signup-relay"]["loadBalancer"]["servers"]
    assert server == {"url": "http://127.0.0.1:8080"}
