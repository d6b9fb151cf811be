"""The web process: takes sign-ups (`signup`), and serves the operators' pages (`console`).

`server` starts it, `app` puts it together. It imports `shared`; only `relay` imports it.
"""
