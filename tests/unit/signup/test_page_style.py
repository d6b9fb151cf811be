"""The style sheet of a form's own colours: everything is legible, in light and in dark mode."""

import re
from pathlib import Path

import pytest

import web
from shared.domain.colours import SIGN, TEXT, contrast
from tests.support import builders
from web.signup.page_style import DARK, LIGHT, page_style

THEME = (Path(web.__file__).parent / "static/theme.css").read_text()
COLOURS = ["#ffffff", "#000000", "#777777", "#ffdd00", "#c2185b", "#1a56c4", "#fff8e1", "#102030"]


def declared(css: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the variables of a style sheet, in light and in dark mode."""
    light, _, dark = css.partition("@media (prefers-color-scheme: dark)")
    first, second = (
        dict(re.findall(r"(--[\w-]+|color-scheme): ([^;]+);", each)) for each in (light, dark)
    )
    return first, first | second


def test_our_own_colours_are_those_of_the_theme() -> None:
    light, dark = declared(THEME)
    assert {f"--{name}": colour for name, colour in LIGHT.items()}.items() <= light.items()
    assert {f"--{name}": colour for name, colour in DARK.items()}.items() <= dark.items()


def test_a_form_without_colours_has_no_style_sheet() -> None:
    assert page_style(builders.form()) == ""


@pytest.mark.parametrize("accent", ["", *COLOURS])
def test_everything_is_legible(accent: str) -> None:
    for background in ("", *COLOURS):
        css = page_style(builders.form(accent=accent, background=background))
        check_contrasts(css, background)


def check_contrasts(css: str, background: str) -> None:
    for theme, own in zip(declared(THEME), declared(css), strict=True):
        found = theme | own
        card = found["--card"]
        if found["--accent-text"] == "var(--accent)":
            found["--accent-text"] = found["--accent"]
        for name in ("ink", "soft", "wrong", "right", "accent-text"):
            assert contrast(found[f"--{name}"], card) >= TEXT, (name, background)
        assert contrast(found["--edge"], card) >= SIGN, background
        assert contrast(found["--accent-ink"], found["--accent"]) >= TEXT, background
        for name in ("ink", "wrong"):
            assert contrast(found[f"--{name}"], found["--wrong-ground"]) >= TEXT, (name, background)


def test_a_background_counts_in_both_modes_and_an_accent_is_kept() -> None:
    light, dark = declared(page_style(builders.form(accent="#ffdd00", background="#102030")))
    assert light == dark
    assert (light["color-scheme"], light["--card"], light["--ground"]) == (
        "dark",
        "#102030",
        "#102030",
    )
    assert (light["--accent"], light["--accent-ink"]) == ("#ffdd00", "#000000")


def test_an_accent_alone_leaves_the_modes_and_is_seen_on_both_cards() -> None:
    light, dark = declared(page_style(builders.form(accent="#ffdd00")))
    assert "--card" not in light and "color-scheme" not in light
    assert light["--accent"] == dark["--accent"] == dark["--accent-text"] == "#ffdd00"
    assert light["--accent-text"] != "#ffdd00"
