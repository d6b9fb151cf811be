"""`/embed.js` is built from its sources, and small."""

import gzip

from tests.support.embed_build import FOLDER, SOURCES, assembled, mark_of
from web.embed.routes import BUILT

# With gzip -9.
MOST_BYTES = 6_000


def test_what_is_served_was_built_from_the_sources() -> None:
    assert BUILT.read_text(encoding="utf-8").endswith(mark_of(assembled())), "run `make embed`"


def test_every_source_is_in_it() -> None:
    sources = {path.name for path in FOLDER.glob("*.js")} - {BUILT.name}
    assert sources == set(SOURCES)


def test_it_is_small() -> None:
    assert len(gzip.compress(BUILT.read_bytes(), 9)) <= MOST_BYTES
