"""Reading a request: bytes → text → posted fields. What the names mean is `shared.domain.reading`.

bytes (`request_body`) → kind of body (`body_kind`) → pairs (`pairs`, `json_pairs`), each decoded by
`charset`. All are pure functions of a `Head` and a body. Imports nothing of `web` but itself.
"""
