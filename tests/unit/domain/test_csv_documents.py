"""CSV documents: nothing in a cell is calculated, and every value comes back as it was."""

import csv
import io

import pytest

from shared.domain.csv_documents import csv_document


def read(document: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(document, newline="")))


def test_every_value_comes_back() -> None:
    rows: list[list[object]] = [["a,b", 'say "hi"', "two\nlines"], ["é", None, 7]]
    document = csv_document(["one", "two", "three"], rows)
    assert read(document) == [
        ["one", "two", "three"],
        ["a,b", 'say "hi"', "two\nlines"],
        ["é", "", "7"],
    ]


@pytest.mark.parametrize("beginning", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_text_is_a_formula(beginning: str) -> None:
    [_, [cell]] = read(csv_document(["name"], [[f"{beginning}HYPERLINK(1)"]]))
    assert cell == f"'{beginning}HYPERLINK(1)"


def test_a_number_below_zero_stays_one() -> None:
    assert read(csv_document(["number"], [[-1]]))[1] == ["-1"]
