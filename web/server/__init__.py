"""The server: from a visitor's connection to the answer. Only this package knows granian and ASGI.

`processes` starts and watches the serving processes, `listeners` makes their sockets. `entrance` is
the ASGI app of each process: it reads a request with `bodies`, and has it answered in the event
loop (`web.signup.fast_path`) or by Flask (`flask_threads`).
"""
