"""Places for lanes: never more than there are, and never all of them for one account."""

from contextlib import ExitStack

from worker.delivery.lane_places import LanePlaces


def test_one_account_leaves_a_quarter_of_the_places_to_others() -> None:
    places = LanePlaces(8)
    with ExitStack() as taken:
        large = [taken.enter_context(places.take("large")) for _ in range(8)]
        assert large == [True] * 6 + [False] * 2
        assert taken.enter_context(places.take("small"))
        assert taken.enter_context(places.take("another"))
        assert not taken.enter_context(places.take("one too many"))


def test_a_place_is_free_again_when_its_lane_fails() -> None:
    places = LanePlaces(1)
    for _ in range(2):
        try:
            with places.take("acme") as taken:
                assert taken
                raise ValueError
        except ValueError:
            pass


def test_an_account_runs_here_while_it_has_a_place() -> None:
    places = LanePlaces(4)
    assert not places.runs("acme")
    with places.take("acme"):
        assert places.runs("acme")
        assert not places.runs("another")
    assert not places.runs("acme")
