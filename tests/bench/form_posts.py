"""What browsers send to the measured form: a person of their own in each request."""

from urllib.parse import urlencode

PATH = "/f/news"
SITE = "https://www.example.com"
CONSENT = "Yes, send me the newsletter. I can unsubscribe at any time."
# The options of `relay forms add` for it.
OPTIONS = ("--origin", SITE, "--consent", CONSENT, "--consent-box", "required")

_HEAD = (
    f"POST {PATH} HTTP/1.1\r\n"
    "Host: signup.example.com\r\n"
    "Connection: keep-alive\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/130.0.0.0 Safari/537.36\r\n"
    "Accept: application/json\r\n"
    "Accept-Language: en-GB,en;q=0.9\r\n"
    "Accept-Encoding: gzip, deflate, br\r\n"
    f"Origin: {SITE}\r\n"
    f"Referer: {SITE}/newsletter\r\n"
    "Content-Type: application/x-www-form-urlencoded\r\n"
)


def form_posts(count: int, first: int = 0) -> list[bytes]:
    """Return requests of `count` different people, numbered from `first`."""
    return [_form_post(number) for number in range(first, first + count)]


def email(number: int) -> str:
    return f"ada.{number}@example.com"


def _form_post(number: int) -> bytes:
    body = urlencode(
        {
            "email": email(number),
            "first_name": f"Ada {number}",
            "last_name": "Lovelace",
            "consent": "on",
            "_gotcha": "",
            "_next": "/thank-you",
        }
    )
    # Each request comes from a visitor of its own, as a proxy would say, and so meets no limit.
    visitor = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    head = f"{_HEAD}X-Forwarded-For: {visitor}\r\nContent-Length: {len(body)}\r\n\r\n"
    return (head + body).encode()
