"""The style sheet of a form that has colours of its own. It comes after theme.css and pages.css.

An operator may choose any colours. What is written on them, and what must be seen on them, is
moved towards black or white until it is legible, in light and in dark mode.
"""

from collections.abc import Mapping

from shared.domain.colours import SIGN, TEXT, WHITE, ink_on, legible, mixed
from shared.domain.form import Form

# As theme.css has them; a test compares.
LIGHT = {
    "card": "#ffffff",
    "ink": "#1a202b",
    "soft": "#545f70",
    "edge": "#8490a3",
    "accent": "#1a56c4",
    "wrong": "#b3261e",
    "right": "#1b7048",
}
DARK = {
    "card": "#1a202a",
    "ink": "#eceff4",
    "soft": "#a9b4c4",
    "edge": "#6f7d92",
    "accent": "#8ab4ff",
    "wrong": "#ff9c93",
    "right": "#6dd3a0",
}
# What is no text. Lines and the ground of errors tell nothing by themselves.
_LEAST = {"edge": SIGN}
_LINE = 0.85


def page_style(form: Form) -> str:
    """Return the style sheet; "" if the form has our colours. With a background of its own, the
    page is the same in light and dark mode."""
    if form.background:
        return _rule(_on_background(form)) + _HOVER
    if not form.accent:
        return ""
    dark = _rule(_accented(form.accent, DARK["card"]))
    light = _rule(_accented(form.accent, LIGHT["card"]))
    return f"{light}@media (prefers-color-scheme: dark) {{\n{dark}}}\n{_HOVER}"


# The usual hover makes the button brighter, which may cost the contrast of its text.
_HOVER = "button:hover { filter: none; text-decoration: underline; }\n"


def _on_background(form: Form) -> dict[str, str]:
    ground = form.background
    is_dark = ink_on(ground) == WHITE
    usual = DARK if is_dark else LIGHT
    colours = {
        name: legible(colour, ground, _LEAST.get(name, TEXT))
        for name, colour in usual.items()
        if name not in ("card", "accent")
    }
    return {
        # Browsers draw check boxes and what they fill in by it.
        "color-scheme": "dark" if is_dark else "light",
        "--ground": ground,
        "--card": ground,
        **{f"--{name}": colour for name, colour in colours.items()},
        "--line": mixed(colours["ink"], ground, _LINE),
        "--wrong-ground": ground,
        **_accented(form.accent or usual["accent"], ground),
    }


def _accented(accent: str, ground: str) -> dict[str, str]:
    return {
        "--accent": accent,
        "--accent-ink": ink_on(accent),
        "--accent-text": legible(accent, ground),
    }


def _rule(declared: Mapping[str, str]) -> str:
    lines = "".join(f"  {name}: {value};\n" for name, value in declared.items())
    return f":root {{\n{lines}}}\n"
