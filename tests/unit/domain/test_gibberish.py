"""Gibberish: how odd a word is. Real names have one oddity at most."""

import pytest

from shared.domain.spam.gibberish import oddities


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Maria Santos", 0),
        ("McDonald", 0),
        ("DeLaCruz", 1),
        ("MaryJaneSmith", 1),
        ("Ljungqvist", 1),
        ("Angstschweiss", 1),
        ("Maria Ljungqvist Angstschweiss", 1),
        ("Zqvxk", 0),
        ("Zqv4xkqz", 0),
        ("Zürqxkvzq", 0),
        ("Angstschqueiss", 2),
        ("Zqvfekl", 2),
        ("maRIAna-LUcia", 1),
        ("xkqjRTzpWq", 7),
    ],
)
def test_oddities(text: str, found: int) -> None:
    assert oddities(text) == found
