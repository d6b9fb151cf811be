"""Reading a request: bytes → text → posted fields. What the names mean is `shared.domain.reading`.

bytes (`request_body`) → kind of body (`body_kind`) → pairs (`pairs`, `json_pairs`), each decoded by
`charset`. All but `request_body` are pure functions. Imports nothing of `web` but itself.
"""
