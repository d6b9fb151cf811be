"""Results are remembered for short texts only."""

from shared.domain.remembering import remembered


def test_a_short_text_is_looked_at_once_and_a_long_one_each_time() -> None:
    looked_at: list[str] = []

    @remembered(longest=5, most=2)
    def length(text: str) -> int:
        looked_at.append(text)
        return len(text)

    assert [length(each) for each in ("short", "short", "longer", "longer")] == [5, 5, 6, 6]
    assert looked_at == ["short", "longer", "longer"]
    assert [length(each) for each in ("a", "b", "short")] == [1, 1, 5]  # two newer ones came
    assert looked_at[3:] == ["a", "b", "short"]
