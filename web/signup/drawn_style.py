"""The style sheet that goes along with a form's description: how embed.js draws it."""

import re
from importlib.resources import files

from shared.domain.form import Form

_PADDING = "1.25rem"


def drawn_style(form: Form) -> str:
    """Return the look of all forms, with the colours of this one."""
    colours = {"accent": form.accent, "background": form.background}
    if form.background:
        colours["padding"] = _PADDING
    rules = "".join(f"--relay-form-{name}:{value};" for name, value in colours.items() if value)
    return f'{_ALL}[data-relay-name="{form.name}"]{{{rules}}}' if rules else _ALL


def _squeezed(css: str) -> str:
    """Return the style sheet without comments and most blanks: each visitor loads it."""
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"\s*([{};,])\s*|(?<=:)\s+", r"\1", css)).strip()


_ALL = _squeezed(files("web.embed").joinpath("drawn.css").read_text("utf-8"))
