"""Who does what an operation does, as the audit trail has it."""

from shared.domain.audit import Actor, Via, acting_as, current_actor, set_actor, who_acts


def test_somebody_acts_only_inside() -> None:
    olga, web = Actor("olga@corp.example", Via.CONSOLE), Actor("relay web", Via.CLI)
    set_actor(olga)
    with acting_as(web):
        assert current_actor() == web
    assert current_actor() == olga
    assert who_acts() == {"by": "olga", "via": "console"}


def test_nobody_who_is_signed_in_is_somebody() -> None:
    with acting_as(Actor(None, Via.API)):
        assert who_acts() == {"by": "somebody", "via": "api"}
