"""Forms in memory and on disk."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from shared.domain.errors import LedgerUnavailable, Refused, UnreadableRecord
from shared.domain.form import Form
from shared.infrastructure.stored_records import RecordKind, read_one
from tests.support import builders
from tests.support.dumps.loader import FORMAT_1, restore_folder
from web.signup.form_cache import FRESH, FormCache, check_format

T = TypeVar("T")


class Registry:
    """Forms in a dictionary, which may be away; counts how often it is asked for all of them."""

    def __init__(self, *forms: Form) -> None:
        self.kept = {form.name: form for form in forms}
        self.away = False
        self.unreadable: set[str] = set()
        self.read = 0
        self.now = 0.0

    def forms(self) -> list[Form]:
        self.read += 1
        for name in self.unreadable:
            read_one(RecordKind.FORM, name, lambda: json.loads("?"))
        return [self.kept[name] for name in sorted(self.kept)]

    def form(self, name: str) -> Form | None:
        if name in self.unreadable:
            raise UnreadableRecord(name)
        return self.kept.get(name)

    def clock(self) -> float:
        return self.now

    def ask(self, work: Callable[[], T]) -> T:
        if self.away:
            raise LedgerUnavailable
        return work()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "relay" / "forms.json"


def cache_of(registry: Registry, path: Path) -> FormCache:
    return FormCache(registry, path, clock=registry.clock)


def test_forms_are_read_once_while_they_are_fresh(path: Path) -> None:
    registry = Registry(builders.form())
    cache = cache_of(registry, path)
    for _ in range(3):
        assert cache.find("news", registry.ask) == builders.form()
    assert registry.read == 1


def test_a_change_is_seen_when_they_are_no_longer_fresh(path: Path) -> None:
    registry = Registry(builders.form())
    cache = cache_of(registry, path)
    cache.find("news", registry.ask)
    registry.kept["news"] = builders.form(enabled=False)
    registry.now += FRESH.total_seconds()
    found = cache.find("news", registry.ask)
    assert found is not None and not found.enabled


def test_a_form_made_just_now_is_found_and_a_removed_one_goes(path: Path) -> None:
    registry = Registry(builders.form())
    cache = cache_of(registry, path)
    assert cache.find("new", registry.ask) is None
    registry.kept = {"new": builders.form("new")}
    assert cache.find("new", registry.ask) == builders.form("new")
    assert cache.find("news", registry.ask) is None


def test_a_form_made_just_now_is_found_although_the_others_cannot_be_read(path: Path) -> None:
    registry = Registry(builders.form())
    cache = cache_of(registry, path)
    cache.find("news", registry.ask)
    registry.kept["new"] = builders.form("new")

    def ask_once(work: Callable[[], T]) -> T:
        found = registry.ask(work)
        registry.away = True
        return found

    assert cache.find("new", ask_once) == builders.form("new")


def test_known_forms_stay_while_redis_is_away(path: Path) -> None:
    registry = Registry(builders.form())
    cache = cache_of(registry, path)
    cache.find("news", registry.ask)
    registry.away = True
    registry.now += 3600
    assert cache.find("news", registry.ask) == builders.form()
    with pytest.raises(LedgerUnavailable):
        cache.find("other", registry.ask)


def test_a_new_process_has_them_from_disk(path: Path) -> None:
    registry = Registry(builders.form(), builders.form("other"))
    cache_of(registry, path).refresh(registry.ask)
    registry.away = True
    assert cache_of(registry, path).find("other", registry.ask) == builders.form("other")


def test_the_file_is_written_only_when_something_changed(path: Path) -> None:
    registry = Registry(builders.form())
    cache = cache_of(registry, path)
    cache.refresh(registry.ask)
    path.unlink()
    registry.now += 10
    cache.refresh(registry.ask)
    assert not path.exists()
    registry.kept["other"] = builders.form("other")
    registry.now += 10
    cache.refresh(registry.ask)
    assert [file.name for file in path.parent.iterdir()] == ["forms.json"]


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"name": "x"}]', "\x00"])
def test_a_file_that_cannot_be_used_is_no_obstacle(path: Path, text: str) -> None:
    path.parent.mkdir()
    path.write_text(text)
    registry = Registry(builders.form())
    assert cache_of(registry, path).find("news", registry.ask) == builders.form()


def test_a_disk_that_cannot_be_written_is_logged_and_no_obstacle(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.parent.write_text("a file where the folder should be")
    registry = Registry(builders.form())
    with caplog.at_level(logging.WARNING):
        assert cache_of(registry, path).find("news", registry.ask) == builders.form()
    assert "forms not written to disk" in caplog.text


def test_a_file_without_a_number_has_the_first_format(path: Path) -> None:
    restore_folder(FORMAT_1, path.parent, lambda text: text)
    registry = Registry()
    registry.away = True
    found = cache_of(registry, path).find("everything", registry.ask)
    assert found is not None and found.consent_box == "required"


def test_an_older_file_is_read_and_followed_by_one_of_this_format(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    restore_folder(FORMAT_1, path.parent, lambda text: text)
    monkeypatch.setattr(
        "web.signup.form_cache.UPGRADES",
        (lambda form: form | {"title": f"{form['title']}, of format 2"},),
    )
    registry = Registry()
    registry.away = True
    found = cache_of(registry, path).find("news", registry.ask)
    assert found is not None and found.title == "Sign up, of format 2"
    registry = Registry(found)
    cache_of(registry, path).refresh(registry.ask)
    assert json.loads(path.read_text())["format"] == 2
    assert cache_of(registry, path).find("news", registry.ask) == found


def test_a_newer_file_is_refused(path: Path) -> None:
    path.parent.mkdir()
    check_format(path)
    path.write_text('{"format": 1, "forms": []}')
    check_format(path)
    path.write_text('{"format": 2, "forms": []}')
    with pytest.raises(Refused, match=rf"{path} has format 2; .* knows formats up to 1\."):
        check_format(path)


def test_a_form_that_another_process_has_read_is_known_while_redis_is_away(path: Path) -> None:
    registry = Registry(builders.form("old"))
    early, late = cache_of(registry, path), cache_of(registry, path)
    assert early.find("old", registry.ask) and late.find("old", registry.ask)
    registry.kept["new"] = builders.form("new")
    registry.now += 10
    assert late.find("new", registry.ask)
    registry.away = True
    assert early.find("new", registry.ask) == builders.form("new")
    with pytest.raises(LedgerUnavailable):
        early.find("never", registry.ask)
    path.write_text("damaged", encoding="utf-8")
    with pytest.raises(LedgerUnavailable):
        early.find("never", registry.ask)
    assert early.find("new", registry.ask)


# --- forms that cannot be read


def test_a_form_that_cannot_be_read_any_more_goes_on_as_it_was(path: Path) -> None:
    registry = Registry(builders.form(), builders.form("shop"))
    cache = cache_of(registry, path)
    cache.find("news", registry.ask)
    registry.unreadable.add("news")
    del registry.kept["news"]
    registry.now += FRESH.total_seconds()
    assert cache.find("news", registry.ask) == builders.form()
    assert cache.find("shop", registry.ask) == builders.form("shop")
    registry.away = True
    assert cache_of(registry, path).find("news", registry.ask) == builders.form()


def test_a_form_that_was_never_read_is_unavailable_and_not_unknown(path: Path) -> None:
    registry = Registry(builders.form("shop"))
    registry.unreadable.add("news")
    with pytest.raises(LedgerUnavailable):
        cache_of(registry, path).find("news", registry.ask)


@pytest.mark.parametrize("garbage", [None, 5, [], {}, {"name": 5}, {"name": "x", "lists": 1}])
def test_one_wrong_form_in_the_file_leaves_the_others(path: Path, garbage: object) -> None:
    path.parent.mkdir()
    forms = [builders.form().to_dict(), garbage, builders.form("shop").to_dict()]
    path.write_text(json.dumps({"format": 1, "forms": forms}))
    registry = Registry()
    registry.away = True
    cache = cache_of(registry, path)
    assert cache.find("news", registry.ask) == builders.form()
    assert cache.find("shop", registry.ask) == builders.form("shop")
