"""Starts the sandbox alone: ``relay sandbox`` or ``python -m sandbox``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from sandbox.config import SandboxConfig
from sandbox.granian_server import serve
from sandbox.own_hosts import is_loopback


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until a signal stops it; return the exit status. `relay sandbox` calls this too."""
    options = _parser().parse_args(arguments)
    bound, _, port = options.bind.rpartition(":")
    host = bound.strip("[]")
    config = SandboxConfig(
        client_id=options.client_id,
        client_secret=options.client_secret,
        redirect_uris=tuple(options.redirect_uri) if options.redirect_uri else None,
        requests_per_second=options.rate,
        requests_per_day=options.day,
        rotating=not options.long_lived,
        database=options.data,
        hosts=(host, *options.host),
    )
    sys.stderr.write(f"The Constant Contact sandbox is on http://{options.bind}/\n")
    if not is_loopback(host):
        sys.stderr.write(
            "WARNING: It has no password. Whoever reaches this address can read and change"
            " everything in it.\n"
        )
    try:
        serve(config, host, int(port))
    except OSError as error:
        sys.stderr.write(f"The sandbox cannot listen on {options.bind}: {error.strerror}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    defaults = SandboxConfig()
    parser = argparse.ArgumentParser(
        prog="relay sandbox",
        description="A stand-in for the Constant Contact V3 API.",
    )
    parser.add_argument("--bind", default="127.0.0.1:8090", metavar="HOST:PORT")
    parser.add_argument(
        "--host",
        action="append",
        default=[],
        metavar="NAME",
        help="another name that it answers to, such as that of its container; repeat it for more",
    )
    parser.add_argument("--data", type=Path, metavar="FILE", help="keep the data in this file")
    parser.add_argument("--rate", type=int, default=defaults.requests_per_second, metavar="N")
    parser.add_argument("--day", type=int, default=defaults.requests_per_day, metavar="N")
    parser.add_argument(
        "--long-lived", action="store_true", help="issue refresh tokens that keep their value"
    )
    parser.add_argument("--client-id", default=defaults.client_id)
    parser.add_argument("--client-secret", default=defaults.client_secret)
    parser.add_argument(
        "--redirect-uri",
        action="append",
        metavar="URI",
        help="an address that browsers may return to; repeat it for more; without it, any address",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
