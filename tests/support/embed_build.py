"""`make embed`: assemble the sources of `/embed.js`, and minify them into the file that web serves.

Neither web nor the tests need the minifier. So the file ends with a mark of the sources that it was
made of.
"""

import hashlib

from web.embed.routes import BUILT

FOLDER = BUILT.parent
# All run in one function. What follows may use what comes before; the last one starts everything.
SOURCES = (
    *("relay.js", "keep.js", "enhance.js"),
    *("draw.js", "frame.js", "popup.js"),
    "main.js",
)


def assembled() -> str:
    """Return all sources as one function that runs at once."""
    texts = (FOLDER.joinpath(name).read_text(encoding="utf-8") for name in SOURCES)
    return "".join(["(() => {\n", *texts, "})();\n"])


def mark_of(source: str) -> str:
    return f"//{hashlib.sha256(source.encode()).hexdigest()[:8]}\n"


def build() -> str:
    """Return what web serves."""
    import minify  # developers have it after `make .venv/.maintain`

    source = assembled()
    return f"{minify.string('application/javascript', source)}\n{mark_of(source)}"


if __name__ == "__main__":
    BUILT.write_text(build(), encoding="utf-8")
