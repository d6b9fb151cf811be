"""The kind of browser or tool, as its User-Agent header has it."""

import pytest

from shared.domain.refusal import BROWSERS
from web.signup.client_kind import client_kind

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15"
OF_BROWSERS = ("", "Chrome/1", "Edg/1", "Firefox/1", "OPR/1", "SamsungBrowser/1")


@pytest.mark.parametrize(
    ("user_agent", "kind"),
    [
        (f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} Chrome/120.0.0.0 Safari/537.36", "Chrome"),
        (f"Mozilla/5.0 (X11) {WEBKIT} HeadlessChrome/120.0.0.0 Safari/537.36", "Chrome"),
        (f"{IPHONE} (KHTML, like Gecko) CriOS/119.0 Mobile/15E148 Safari/604.1", "Chrome"),
        (f"Mozilla/5.0 (Windows NT 10.0) {WEBKIT} Chrome/120.0 Safari/537.36 Edg/120.0", "Edge"),
        (f"Mozilla/5.0 (Windows NT 10.0) {WEBKIT} Chrome/120.0 Safari/537.36 OPR/106.0", "Opera"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0", "Firefox"),
        (f"{IPHONE} (KHTML, like Gecko) FxiOS/119.0 Mobile/15E148 Safari/605.1.15", "Firefox"),
        (f"{IPHONE} (KHTML, like Gecko) Version/17.1 Mobile/15E148 Safari/604.1", "Safari"),
        (
            f"Mozilla/5.0 (Linux; Android 9; CUBOT X19) {WEBKIT} Chrome/120.0 Safari/537.36",
            "Chrome",
        ),
        (
            f"Mozilla/5.0 (Linux) {WEBKIT} SamsungBrowser/23.0 Chrome/115.0 Safari/537.36",
            "Samsung Internet",
        ),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "bot"),
        (f"Mozilla/5.0 {WEBKIT} (compatible; bingbot/2.0) Chrome/103.0 Safari/537.36", "bot"),
        ("curl/8.5.0", "curl"),
        ("Wget/1.21.4", "wget"),
        ("python-requests/2.31.0", "python"),
        ("Python-urllib/3.11", "python"),
        ("node", "node"),
        ("axios/1.6.2", "node"),
        ("WordPress/6.4; https://www.example.com", "WordPress"),
        ("GuzzleHttp/7", "PHP"),
        ("Go-http-client/1.1", "Go"),
        ("okhttp/4.12.0", "Java"),
        ("ada@example.org", "other"),
        ("x" * 100_000 + "curl/", "other"),
        ("", "none"),
        (None, "none"),
    ],
)
def test_the_kind(user_agent: str | None, kind: str) -> None:
    assert client_kind(user_agent) == kind


def test_every_browser_is_known_as_one() -> None:
    kinds = {client_kind(f"Mozilla/5.0 {own} Safari/537.36") for own in OF_BROWSERS}
    assert kinds == BROWSERS
