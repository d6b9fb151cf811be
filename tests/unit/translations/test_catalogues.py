"""The catalogues say everything that visitors read, and nothing else than the English texts do."""

import re
from pathlib import Path

import polib
import pytest

from shared.domain.form import LANGUAGES
from shared.domain.texts import Text, lazy_gettext, lazy_ngettext, sentences
from tests.support.catalogues import PLACEHOLDER, texts_in_the_code, write_pseudo_arabic
from web.translations.catalogues import FOLDER, load_translations

SHIPPED = ("de", "es", "fr")
# How friends speak to each other. Visitors are strangers.
INFORMAL = {
    "de": r"\b(du|dich|dir|dein\w*|euch|eure\w*)\b",
    "es": r"\b(tú|tu|tus|te|ti|contigo)\b",
    "fr": r"\b(tu|toi|ton|ta|tes)\b",
}
# On a phone of 360 px, a button has room for so many characters in one line.
LONGEST_BUTTON = 28
BUTTONS = ("Sign up", "Try again", "Close")


def catalogue(language: str) -> polib.POFile:
    path = FOLDER / language / "LC_MESSAGES" / "messages.po"
    return polib.pofile(path.read_text(encoding="utf-8"))


def named(entry: polib.POEntry) -> str | tuple[str, str]:
    return (entry.msgid, entry.msgid_plural) if entry.msgid_plural else entry.msgid


def said(entry: polib.POEntry) -> list[tuple[str, str]]:
    """Return each English form of a text with each translation of it."""
    if entry.msgid_plural:
        return [(entry.msgid_plural, each) for each in entry.msgstr_plural.values()]
    return [(entry.msgid, entry.msgstr)]


def translations(language: str) -> list[tuple[str, str]]:
    return [pair for entry in catalogue(language) for pair in said(entry)]


def test_there_is_a_catalogue_of_each_language_that_a_form_can_have() -> None:
    folders = {path.parent.parent.name for path in FOLDER.glob("*/LC_MESSAGES/messages.po")}
    assert folders == set(SHIPPED) == set(LANGUAGES) - {"auto", "en"}


@pytest.mark.parametrize("language", SHIPPED)
def test_a_catalogue_has_the_texts_of_the_code_all_translated(language: str) -> None:
    """After a change of a text: `make texts`, then fill in what is empty."""
    entries = list(catalogue(language))
    found = {
        (each.msgid, each.msgid_plural) if each.msgid_plural else each.msgid for each in entries
    }
    assert found == texts_in_the_code()
    assert not [each.msgid for each in entries if not each.translated() or each.obsolete]
    assert not [each.msgid for each in entries if each.fuzzy]
    assert not [each.msgid for each in entries if not all(text for _, text in said(each))]


@pytest.mark.parametrize("language", SHIPPED)
def test_a_translation_has_the_placeholders_and_the_tags_of_its_text(language: str) -> None:
    for english, text in translations(language):
        assert sorted(PLACEHOLDER.findall(text)) == sorted(PLACEHOLDER.findall(english)), text
        assert (text == text.strip()) and "  " not in text, text


def test_a_sign_for_percent_is_doubled() -> None:
    """Every text is formatted, also one without values."""
    pairs = ((each,) if isinstance(each, str) else each for each in texts_in_the_code())
    assert not [text for pair in pairs for text in pair if "%" in PLACEHOLDER.sub("", text)]


@pytest.mark.parametrize("language", SHIPPED)
def test_a_translation_is_polite_and_ends_as_its_text(language: str) -> None:
    for english, text in translations(language):
        assert not re.search(INFORMAL[language], text, re.IGNORECASE), text
        ending = re.compile(r"[.!?…)]?$")
        assert ending.findall(text)[0] == ending.findall(english)[0], text


@pytest.mark.parametrize("language", SHIPPED)
def test_the_text_of_a_button_fits_into_one_line_of_a_phone(language: str) -> None:
    said = dict(translations(language))
    assert all(len(said[each]) <= LONGEST_BUTTON for each in BUTTONS)


@pytest.mark.parametrize("language", SHIPPED)
def test_a_french_sign_never_begins_a_line(language: str) -> None:
    text = "".join(each for _, each in translations(language))
    assert not re.search(r" [:;!?»]|« ", text)


# --- saying a text


TRANSLATIONS = load_translations()
TOO_LONG = lazy_ngettext(
    "%(label)s: please use at most %(count)s character. You entered %(entered)s.",
    "%(label)s: please use at most %(count)s characters. You entered %(entered)s.",
    50,
    label=lazy_gettext("First name"),
    entered=51,
)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "First name: please use at most 50 characters. You entered 51."),
        ("de", "Vorname: Bitte verwenden Sie höchstens 50 Zeichen. Sie haben 51 eingegeben."),
        ("es", "Nombre: use como máximo 50 caracteres. Ha escrito 51."),
        ("fr", "Prénom\u00a0: veuillez utiliser au plus 50 caractères. Vous en avez saisi 51."),
    ],
)
def test_a_text_is_said_with_its_values_which_may_be_texts_too(language: str, text: str) -> None:
    assert TRANSLATIONS.choose(language).say(TOO_LONG) == text
    assert str(TOO_LONG) == TRANSLATIONS.choose("en").say(TOO_LONG)


@pytest.mark.parametrize(
    ("count", "english", "french"),
    [(1, "in 1 second.", "dans 1 seconde."), (2, "in 2 seconds.", "dans 2 secondes.")],
)
def test_a_count_chooses_the_form(count: int, english: str, french: str) -> None:
    text = lazy_ngettext(
        "Please try again in %(count)s second.", "Please try again in %(count)s seconds.", count
    )
    assert str(text).endswith(english)
    assert TRANSLATIONS.choose("fr").say(text).endswith(french)


def test_a_language_with_six_forms_gets_the_right_one(tmp_path: Path) -> None:
    write_pseudo_arabic(tmp_path)
    arabic = load_translations(tmp_path).choose("ar")

    def form(count: int) -> str:
        wait = "Please try again in %(count)s second."
        return arabic.say(lazy_ngettext(wait, wait.replace("second", "seconds"), count))[0]

    assert [form(count) for count in (0, 1, 2, 3, 11, 100)] == list("012345")


def test_somebodys_own_words_stay_as_they_are() -> None:
    german = TRANSLATIONS.choose("de")
    assert german.say("First name") == "First name"
    assert german.say(lazy_gettext("This form has no list %(name)s.", name="First name")) == (
        "Dieses Formular hat keine Liste First name."
    )
    assert german.say(lazy_gettext("Something new, 100%% in English.")).endswith("100% in English.")


def test_sentences_follow_each_other_each_in_the_language() -> None:
    both = sentences([lazy_gettext("Thank you!"), "%s", lazy_gettext("Try again")])
    assert (str(both), TRANSLATIONS.choose("de").say(both)) == (
        "Thank you! %s Try again",
        "Vielen Dank! %s Noch einmal versuchen",
    )
    assert isinstance(both, Text)


# --- choosing a language


@pytest.mark.parametrize(
    ("wanted", "language"),
    [
        pytest.param("de", "de", id="known"),
        pytest.param("de-AT,de;q=0.9,en;q=0.8", "de", id="a browser's"),
        pytest.param("DE_ch", "de", id="written otherwise"),
        pytest.param("fr-CH, de;q=0.9", "fr", id="of a region, before another language"),
        pytest.param("nl, it;q=0.9, es;q=0.5, de;q=0.4", "es", id="the first that is known"),
        pytest.param("en;q=0.5, de;q=0.7", "de", id="by weight, not by place"),
        pytest.param("de;q=0, fr;q=0.1", "fr", id="not the one that is refused"),
        pytest.param("*", "en", id="any"),
        pytest.param("tlh", "en", id="none that is known"),
        pytest.param("", "en", id="nothing"),
        pytest.param(";;,q=,=", "en", id="nonsense"),
        pytest.param("de-" + "x" * 70_000, "de", id="long"),
    ],
)
def test_the_browser_chooses_the_language(wanted: str, language: str) -> None:
    assert TRANSLATIONS.choose("auto", wanted).language == language


def test_the_forms_language_counts_before_the_pages_and_that_before_the_browsers() -> None:
    assert TRANSLATIONS.choose("es", "fr", "de").language == "es"
    assert TRANSLATIONS.choose("auto", "fr", "de").language == "fr"
    assert TRANSLATIONS.choose("auto", "tlh", "de").language == "de"
    assert TRANSLATIONS.choose("of a later version", "de").language == "de"


def test_pages_run_from_left_to_right_unless_the_catalogue_says_otherwise(tmp_path: Path) -> None:
    write_pseudo_arabic(tmp_path)
    every = {each.language: each.direction for each in load_translations(tmp_path).all()}
    assert every == {"ar": "rtl", "de": "ltr", "en": "ltr", "es": "ltr", "fr": "ltr"}
