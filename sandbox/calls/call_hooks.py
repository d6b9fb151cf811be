"""Hooks that every call of the API and of the token server passes: faults and counts.

Flask runs them in the order in which a blueprint registers them; the first that returns
something ends the call.
"""

from flask import Blueprint, Response, g, request

from sandbox.calls.faults import Answer, FaultEffect
from sandbox.sandbox_state import State, current_state

_NO_EFFECT = FaultEffect()


def apply_fault() -> Response | None:
    """Answer in place of the service if a fault says so."""
    state = current_state()
    grant_type = request.values.get("grant_type") if request.endpoint == "token.token" else None
    with state.lock:
        effect = state.faults.use(request.path, grant_type)
        if effect != _NO_EFFECT:
            state.stats.faults_used += 1
    g.fault_effect = effect
    if effect.instead is None:
        return None
    state.faults.wait(effect.latency_seconds)
    return _fault_answer(state, effect.instead)


def apply_latency() -> None:
    """Wait as long as the faults in force say."""
    current_state().faults.wait(g.fault_effect.latency_seconds)


def replace_answer(response: Response) -> Response:
    """Delay or replace the answer to a call that was carried out, if a fault says so."""
    effect: FaultEffect = g.get("fault_effect", _NO_EFFECT)
    current_state().faults.wait(effect.answer_latency_seconds)
    if effect.after_work is None:
        return response
    return _fault_answer(current_state(), effect.after_work)


def count_answer(response: Response) -> Response:
    """Count the answer by route and status."""
    route = request.url_rule.rule if request.url_rule else request.path
    state = current_state()
    with state.lock:
        state.stats.answered(f"{request.method} {route}", response.status_code)
    return response


def register(bp: Blueprint) -> None:
    """Register all hooks on a blueprint that needs none of its own between them."""
    bp.before_request(apply_fault)
    bp.before_request(apply_latency)
    # Flask runs these in reverse: first a fault replaces the answer, then the answer is counted.
    bp.after_request(count_answer)
    bp.after_request(replace_answer)


def _fault_answer(state: State, answer: Answer) -> Response:
    cleared = state.faults.cleared
    cleared.wait(answer.hang_seconds)
    return answer.response(cleared)
