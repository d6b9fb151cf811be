"""Network addresses as proxies write them, and which of them belong to one visitor."""

import pytest

from shared.infrastructure.addresses import client_network, plain_address, wider_network


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        (" 203.0.113.7\t", "203.0.113.7"),
        ("203.0.113.7:52341", "203.0.113.7"),
        ('"203.0.113.7:52341"', "203.0.113.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("2001:DB8:0:0::7", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("[2001:db8::7]:443", "2001:db8::7"),
        ('"[2001:db8::7]:443"', "2001:db8::7"),
        ("[2001:db8::7", "2001:db8::7"),
        ("::1", "::1"),
        ("[::1]:5", "::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%25eth0]:80", "fe80::1"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("[::ffff:203.0.113.7]:80", "203.0.113.7"),
        ("::ffff:cb00:7107", "203.0.113.7"),
    ],
)
def test_an_address_in_every_dress(text: str, address: str) -> None:
    assert plain_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "unknown",
        "_hidden",
        "localhost",
        "203.0.113",
        "203.0.113.999",
        "010.0.0.1",
        "203.0.113.7 203.0.113.8",
        "[]",
        "[",
        ":80",
        "for=203.0.113.7",
        "<script>",
        "1" * 60_000,
        "::1" + " " * 100,
    ],
)
def test_what_is_no_address(text: str) -> None:
    assert plain_address(text) is None


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("nonsense", "nonsense"),
    ],
)
def test_what_one_visitor_has(address: str, network: str) -> None:
    assert client_network(address) == network


@pytest.mark.parametrize(
    ("address", "network", "place"),
    [
        ("203.0.113.7", "203.0.113.0/24", "7"),
        ("203.0.113.255", "203.0.113.0/24", "255"),
        ("2001:db8:1:2a3:4::5", "2001:db8:1:200::/56", "a3"),
        ("2001:db8:1:2a3::6", "2001:db8:1:200::/56", "a3"),
        ("2001:db8::1", "2001:db8::/56", "0"),
        ("::ffff:203.0.113.7", "203.0.113.0/24", "7"),
        ("nonsense", "nonsense", ""),
        ("", "", ""),
    ],
)
def test_a_visitors_place_in_a_wider_network(address: str, network: str, place: str) -> None:
    assert wider_network(address) == (network, place)
