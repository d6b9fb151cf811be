"""What ALTCHA's widget does in a browser: solves a challenge, and names the solution."""

import base64
import json
from typing import Any

from altcha import Challenge, Payload, solve_challenge


def solution_of(challenge: dict[str, Any], *, after: int = -1) -> str:
    """Return a solution as the widget posts it; the first one `after` this counter."""
    found = Challenge.from_dict(challenge)
    solved = solve_challenge(found, counter_start=after + 1)
    assert solved is not None
    return Payload(found, solved).to_base64()


def counter_in(solution: str) -> int:
    return int(json.loads(base64.b64decode(solution))["solution"]["counter"])
