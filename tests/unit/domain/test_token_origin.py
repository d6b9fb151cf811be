"""Where tokens were got: what is the same place, and which places are no Constant Contact."""

import pytest

from shared.domain.token_origin import TokenOrigin

API, AUTH = "https://api.cc.email/v3", "https://authz.constantcontact.com/oauth2/default/v1"


def origin(api_url: str = API, auth_url: str = AUTH) -> TokenOrigin:
    return TokenOrigin(api_url=api_url, auth_url=auth_url)


def test_a_stored_origin_is_read_back() -> None:
    assert TokenOrigin.from_text(str(origin())) == origin()


@pytest.mark.parametrize(
    ("api_url", "auth_url", "same"),
    [
        pytest.param("https://API.cc.email/v3", AUTH, True, id="capital letters in a host"),
        pytest.param("http://api.cc.email/v3", AUTH, False, id="without TLS"),
        pytest.param("https://api.cc.email:8443/v3", AUTH, False, id="another port"),
        pytest.param("https://api.cc.email.example/v3", AUTH, False, id="another host"),
        pytest.param("https://api.cc.email/V3", AUTH, False, id="another path"),
        pytest.param(API, "https://authz.example/v1", False, id="another authorization server"),
    ],
)
def test_an_origin_is_both_addresses(api_url: str, auth_url: str, same: bool) -> None:
    assert (str(origin(api_url, auth_url)) == str(origin())) is same


@pytest.mark.parametrize(
    ("api_url", "told"),
    [
        pytest.param("https://api.example", "https://api.example", id="what differs"),
        pytest.param(API, API, id="nothing differs"),
    ],
)
def test_people_read_what_differs(api_url: str, told: str) -> None:
    assert origin(api_url).told_from(origin()) == told


@pytest.mark.parametrize(
    ("api_url", "sandbox"),
    [
        pytest.param(API, False, id="Constant Contact"),
        pytest.param("https://api.example/v3", False, id="a new host"),
        pytest.param("http://127.0.0.1:8090/v3", True, id="this machine"),
        pytest.param("https://localhost/v3", True, id="this machine by name"),
        pytest.param("https://[::1]/v3", True, id="this machine by IPv6"),
        pytest.param("http://sandbox:8090/v3", True, id="another machine without TLS"),
    ],
)
def test_a_sandbox_is_told_by_its_address(api_url: str, sandbox: bool) -> None:
    assert origin(api_url).is_sandbox is sandbox
