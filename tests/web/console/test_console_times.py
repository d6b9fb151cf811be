"""Times within sentences as the console shows them, as a table."""

from datetime import UTC, datetime

import pytest
from markupsafe import Markup

from web.console.times import times_in

NOW = datetime(2026, 3, 1, 14, 5, tzinfo=UTC)


def shown(at: str, kind: str, text: str) -> str:
    title = f"{at[:16].replace('T', ' ')} UTC"
    return f'<time datetime="{at}" title="{title}"><span data-clock="{kind}">{text}</span></time>'


@pytest.mark.parametrize(
    ("sentence", "markup"),
    [
        ("None & nothing.", "None &amp; nothing."),
        (
            "Since 09:12 UTC: <b>.",
            f"Since {shown('2026-03-01T09:12:00+00:00', 'short', '09:12 UTC')}: &lt;b&gt;.",
        ),
        (
            "until 2026-12-31 23:59 UTC",
            f"until {shown('2026-12-31T23:59:00+00:00', '', '2026-12-31 23:59 UTC')}",
        ),
        ("at 00:00 UTC", f"at {shown('2026-03-02T00:00:00+00:00', 'short', '00:00 UTC')}"),
        ("at 25:00 UTC, 2026-02-30 10:00 UTC", "at 25:00 UTC, 2026-02-30 10:00 UTC"),
        (Markup("<b>09:12 UTC</b>"), "<b>09:12 UTC</b>"),
    ],
)
def test_times_in_sentences(sentence: str, markup: str) -> None:
    assert times_in(sentence, NOW) == markup
