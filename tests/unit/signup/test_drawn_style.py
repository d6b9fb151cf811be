"""The style sheet of drawn forms: the same for all, and the colours of each."""

from tests.support.builders import form
from web.signup.drawn_style import drawn_style

OF_ALL = drawn_style(form())


def test_it_has_no_comments_and_keeps_the_blanks_that_mean_something() -> None:
    assert "/*" not in OF_ALL and "\n" not in OF_ALL
    assert "}.relay-form :where(p){white-space:pre-line;}" in OF_ALL
    assert "calc((49.44 - l) * infinity)" in OF_ALL


def test_a_form_with_colours_has_a_rule_of_its_own() -> None:
    own = drawn_style(form("a.b", accent="#ffd500")).removeprefix(OF_ALL)
    assert own == '[data-relay-name="a.b"]{--relay-form-accent:#ffd500;}'


def test_a_form_with_a_background_has_room_around_it() -> None:
    own = drawn_style(form(background="#102040")).removeprefix(OF_ALL)
    assert "--relay-form-background:#102040;--relay-form-padding:1.25rem;" in own
