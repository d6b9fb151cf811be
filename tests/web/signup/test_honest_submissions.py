"""Honest sign-ups of every odd kind: all of them get in, whole."""

from urllib.parse import quote, urlencode

import pytest
import redis
from flask.testing import FlaskClient

from shared.ledger.ledger import Ledger
from tests.support.wild_names import ADDRESSES, NAMES, alternatives

URLENCODED = "application/x-www-form-urlencoded"
JSON = "application/json"
PLAIN = "text/plain;charset=UTF-8"
JSON_WANTED = {"Accept": "application/json"}
EMAIL = "ada@example.org"
ADA = {"email_address": EMAIL}

# What the API gets for "Ada" under each name.
SENT = {"full_name": {"first_name": "Ada"}, "phone": {"phone_number": "Ada"}}
TEXT_FIELDS = [name for name in NAMES if not name.startswith(("birthday", "consent"))]

MANY_MORE = "".join(f"&x{number}=1" for number in range(5000))

# (body, Content-Type, the fields that must arrive)
BODIES: list[tuple[bytes, str, dict[str, str]]] = [
    *(
        (urlencode({name: EMAIL}).encode(), URLENCODED, ADA)
        for name in [*alternatives(ADDRESSES), "wpforms[fields][1]", "input_3", "item_meta[25]"]
    ),
    *(
        (
            urlencode({"email": EMAIL, name: "Ada"}).encode(),
            URLENCODED,
            ADA | SENT.get(field, {field: "Ada"}),
        )
        for field in TEXT_FIELDS
        for name in alternatives(NAMES[field])
    ),
    *(
        (
            f"email={EMAIL}&last_name=".encode() + quote(name, encoding=codec).encode(),
            kind,
            ADA | {"last_name": name},
        )
        for name, codec, kind in [
            ("Müller", "utf-8", URLENCODED),
            ("Müller", "windows-1252", URLENCODED),
            ("Müller", "windows-1252", f"{URLENCODED}; charset=ISO-8859-1"),
            ("Łukasz", "iso-8859-2", f"{URLENCODED}; charset=iso-8859-2"),
            ("Иванова", "windows-1251", f"{URLENCODED}; charset=windows-1251"),
            ("山田", "shift_jis", f"{URLENCODED}; charset=Shift_JIS"),
            ("Müller", "utf-8", f"{URLENCODED}; charset=klingon"),
            ("Müller", "windows-1252", f"{URLENCODED}; charset=utf-8"),
            ("O\u2019Brien", "windows-1252", URLENCODED),
        ]
    ),
    *(
        (body.encode(), kind, ADA | {"first_name": "Ada"})
        for body, kind in [
            (f"email={EMAIL}&first_name=Ada", PLAIN),
            (f"email={EMAIL}\r\nfirst_name=Ada\r\n", PLAIN),
            (f"email={EMAIL}&first_name=Ada", ""),
            (f"email={EMAIL}&first_name=Ada", JSON),
            (f"email={EMAIL}&first_name=Ada", "multipart/form-data"),
            (f'{{"email": "{EMAIL}", "first_name": "Ada"}}', URLENCODED),
            (f'{{"email": "{EMAIL}", "first_name": "Ada"}}', "text/html"),
            (f'[{{"email": "{EMAIL}", "name": "Ada"}}]', JSON),
            (f'{{"subscriber": {{"email": "{EMAIL}", "name": {{"first": "Ada"}}}}}}', JSON),
            (f'{{"email": "{EMAIL}", "first_name": "Ada", "age": NaN}}', JSON),
            (f"email={EMAIL}%E2%80%8B&first_name=%E2%80%AEAda", URLENCODED),
            ("email=%EF%BD%81da%EF%BC%A0example%E3%80%82org&first_name=Ada", URLENCODED),
            (f"email=%20{EMAIL}%C2%A0&first_name=%09Ada%00", URLENCODED),
            (f"email={EMAIL}&first_name=Ada&birthday=next%20week", URLENCODED),
            (f"email={EMAIL}&first_name=Ada&last_name=undefined", URLENCODED),
            (f"email={EMAIL}&first_name=Ada&state=enabled&country=0", URLENCODED),
            (
                f"email={EMAIL}&first_name=Ada&{'&'.join(f'x{n}=1' for n in range(5000))}",
                URLENCODED,
            ),
            (f"email={EMAIL}&first_name=Ada&remarks={'x' * 30_000}", URLENCODED),
        ]
    ),
]


def test_every_honest_sign_up_gets_in_whole(
    client: FlaskClient, redis_client: "redis.Redis", subtests: pytest.Subtests
) -> None:
    ledger = Ledger(redis_client)
    for body, kind, fields in BODIES:
        with subtests.test(body=body[:80], kind=kind):
            answer = client.post("/f/news", data=body, content_type=kind, headers=JSON_WANTED)
            assert answer.status_code == 202, answer.text
            assert answer.json is not None
            signup = ledger.find(answer.json["id"], ["acme"])
            assert signup is not None
            assert signup.contact.fields == fields
