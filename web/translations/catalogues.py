"""The catalogues of texts, compiled when a process starts: no step of a build can be forgotten."""

import gettext
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import polib
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from shared.domain.remembering import remembered
from shared.domain.texts import Text, lazy_gettext
from web.signup.reading.head import LONGEST_READ, LONGEST_USUAL

FOLDER = Path(__file__).parent
ENGLISH = "en"
_REGION = re.compile("[-_]")
# Translators: "rtl" if your language is written from right to left. Else leave it as it is.
_DIRECTION = lazy_gettext("ltr")


@dataclass(frozen=True, slots=True)
class Translation:
    """The texts of one language, such as `de`."""

    language: str
    catalogue: gettext.NullTranslations

    @property
    def direction(self) -> str:
        """The value of the attribute `dir` of a page."""
        return self.say(_DIRECTION)

    def say(self, text: Text | str) -> str:
        """Return the text in this language. A `str` is somebody's own words, and stays."""
        if isinstance(text, str):
            return text
        chosen = self._form_of(text)
        return chosen % {name: self._value(each) for name, each in text.values}

    def _form_of(self, text: Text) -> str:
        if text.many:
            return self.catalogue.ngettext(text.english, text.many, text.count)
        return self.catalogue.gettext(text.english)

    def _value(self, value: Text | str | int) -> str | int:
        return value if isinstance(value, int) else self.say(value)


class Translations:
    """All translations, from which each visitor gets one."""

    def __init__(self, translations: Iterable[Translation]) -> None:
        self._all = {each.language: each for each in translations}
        # Browsers send few headers of this kind. Strangers may send long ones.
        self._best = remembered(longest=LONGEST_USUAL)(self._match)

    def all(self) -> Iterable[Translation]:
        return self._all.values()

    def choose(self, language: str, *wanted: str) -> Translation:
        """Return the translation into `language`, a form's; with `auto`, the first that is known of
        the languages that are `wanted`.

        Each of those is a tag such as `de-AT`, or an `Accept-Language` header. If none is known, it
        is English.
        """
        if language in self._all:
            return self._all[language]
        for each in wanted:
            if each and (found := self._best(each[:LONGEST_READ])):
                return self._all[found]
        return self._all[ENGLISH]

    def _match(self, wanted: str) -> str | None:
        """Return the language that a header prefers. For texts, `fr-CH` is as good as `fr`."""
        accepted = parse_accept_header(wanted, LanguageAccept)
        plain = [(_REGION.split(tag)[0], quality) for tag, quality in accepted]
        return LanguageAccept(plain).best_match(self._all)


def load_translations(*folders: Path) -> Translations:
    """Return the translations that the folders have, and English."""
    catalogues = [
        Translation(path.parent.parent.name, _compiled(path))
        for folder in (FOLDER, *folders)
        for path in sorted(folder.glob("*/LC_MESSAGES/messages.po"))
    ]
    return Translations([Translation(ENGLISH, gettext.NullTranslations()), *catalogues])


@cache
def _compiled(path: Path) -> gettext.GNUTranslations:
    binary = polib.pofile(path.read_text(encoding="utf-8")).to_binary()
    return gettext.GNUTranslations(io.BytesIO(binary))
