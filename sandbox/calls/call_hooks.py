"""Hooks that every call of the API and of the token server passes: faults and counts.

Flask runs them in the order in which a blueprint registers them; the first that returns
something ends the call.
"""

from flask import Blueprint, Response, g, request

from sandbox.calls.faults import Answer, Verdict
from sandbox.sandbox_state import State, current_state

_NOTHING = Verdict()


def meet_fault() -> Response | None:
    """Answer in place of the service if a fault says so."""
    state = current_state()
    grant_type = request.values.get("grant_type") if request.endpoint == "token.token" else None
    with state.lock:
        verdict = state.faults.verdict(request.path, grant_type)
        if verdict != _NOTHING:
            state.stats.faults_used += 1
    g.verdict = verdict
    if verdict.instead is None:
        return None
    state.faults.wait(verdict.latency_seconds)
    return _given(state, verdict.instead)


def meet_latency() -> None:
    """Wait as long as the faults in force say."""
    current_state().faults.wait(g.verdict.latency_seconds)


def lose_answer(response: Response) -> Response:
    """Delay or replace the answer to a call that was carried out, if a fault says so."""
    verdict: Verdict = g.get("verdict", _NOTHING)
    current_state().faults.wait(verdict.answer_latency_seconds)
    if verdict.after_work is None:
        return response
    return _given(current_state(), verdict.after_work)


def count_answer(response: Response) -> Response:
    """Count the answer by route and status."""
    route = request.url_rule.rule if request.url_rule else request.path
    state = current_state()
    with state.lock:
        state.stats.answered(f"{request.method} {route}", response.status_code)
    return response


def guard(bp: Blueprint) -> None:
    """Register all hooks on a blueprint that needs none of its own between them."""
    bp.before_request(meet_fault)
    bp.before_request(meet_latency)
    # Flask runs these in reverse: first a fault replaces the answer, then the answer is counted.
    bp.after_request(count_answer)
    bp.after_request(lose_answer)


def _given(state: State, answer: Answer) -> Response:
    cleared = state.faults.cleared
    cleared.wait(answer.hang_seconds)
    return answer.response(cleared)
