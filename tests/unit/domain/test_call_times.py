"""How long calls took, from seconds to the stored counts and on to a histogram."""

from shared.domain.call_times import CallTimes, from_counts, to_counts


def test_each_call_is_in_the_lowest_bucket_that_it_fits_into() -> None:
    assert to_counts([0.05, 0.051, 1.0, 20.0, 20.5]) == {
        "0.05": 1,
        "0.1": 1,
        "1": 1,
        "20": 1,
        "inf": 1,
        "ms": 41_601,
    }
    assert to_counts([]) == {}


def test_a_bucket_counts_all_that_were_no_slower() -> None:
    times = from_counts({"0.05": 2, "0.1": 3, "inf": 1, "ms": 1500})
    cumulative = list(times.cumulative)
    assert times.seconds == 1.5
    assert cumulative[:3] == [(0.05, 2), (0.1, 5), (0.15, 5)]
    assert cumulative[-1] == (float("inf"), 6)
    assert from_counts({}) == CallTimes()
