"""Records that something else than this version wrote."""

import json

DEEP = "[" * 100_000
# By what is wrong with them.
GARBAGE: dict[str, bytes] = {
    "empty": b"",
    "no JSON": b"{it is not",
    "binary": b'{"name": "\xff\xfe"}',
    "null": b"null",
    "a number": b"5",
    "a huge number": b"9" * 5000,
    "a text": b'"text"',
    "a list": b"[1, 2, 3]",
    "an empty object": b"{}",
    "another object": json.dumps({"colour": "red", "name": 5}).encode(),
    "deep": DEEP.encode(),
}
