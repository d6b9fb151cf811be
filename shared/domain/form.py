"""A form: the account and lists of its sign-ups, and the pages that may use it."""

import json
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import urljoin

from shared.domain.consent_texts import MOST_EARLIER, EarlierConsent, short_digest, text_version
from shared.domain.reading.meanings import match_key
from shared.domain.signup import WhenUnsubscribed
from shared.domain.texts import Text, lazy_gettext
from shared.domain.web_addresses import host_of, origin_of, split_address

ConsentBox = Literal["none", "optional", "required"]
Captcha = Literal["none", "altcha"]

# Of texts for visitors. With "auto", their browser chooses one of the others.
LANGUAGES = ("auto", "en", "es", "fr", "de")

# What a form says where its owner has chosen no text. Visitors read it in their language.
_SIGN_UP = lazy_gettext("Sign up")
_THANKS = lazy_gettext("Thank you! Your sign-up has been received.")
OUR_CONSENT = lazy_gettext(
    "By signing up you agree to receive e-mails from us. You can unsubscribe at any time."
)
DEFAULT_TITLE = str(_SIGN_UP)
DEFAULT_CONSENT = str(OUR_CONSENT)
# The usual score from which a sign-up is quarantined. docs/spam.md says what it stands for.
SPAM_THRESHOLD = 10
# In characters: the API's limit for the value of a custom field.
CUSTOM_LIMIT = 255
# What of a form no operator sets.
KEPT_BY_US = ("consent_since", "earlier_consents", "earlier_languages")


@dataclass(frozen=True, slots=True)
class ListRef:
    """A contact list: its id at Constant Contact, and its name when the form was made."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class CustomField:
    """A custom field that is sent: its id, its `name` in posted forms, its `label` on pages."""

    id: str
    name: str
    label: str


@dataclass(frozen=True, slots=True)
class SourceField:
    """Where a sign-up came from: `source`, such as ``utm_campaign``, and the field that gets it."""

    source: str
    field: CustomField


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What `relay forms add` stores.

    `origins` are exact, such as ``https://example.com``. `unsubscribed` says what happens when an
    unsubscribed person signs up again. `language` is that of texts for visitors; with ``auto``,
    their browser chooses. An empty `button` or `success` message is ours, in that language. Colours
    are ``#rrggbb``; empty ones are ours. From `spam_threshold` on, a sign-up is quarantined; 0
    turns the scored signs of spam off. `consent_since` is when the form began to show its consent
    text, as scripts read times; None if nobody knows. `earlier_consents` has the newest first.
    `earlier_languages` are those in which the form showed our consent text before.
    """

    name: str
    account: str
    lists: tuple[ListRef, ...]
    custom_fields: tuple[CustomField, ...] = ()
    redirect: str | None = None
    origins: tuple[str, ...] = ()
    consent_text: str = DEFAULT_CONSENT
    consent_box: ConsentBox = "none"
    title: str = DEFAULT_TITLE
    enabled: bool = True
    unsubscribed: WhenUnsubscribed = "resubscribe"
    language: str = "auto"
    button: str = ""
    success: str = ""
    accent: str = ""
    background: str = ""
    captcha: Captcha = "none"
    spam_threshold: int = SPAM_THRESHOLD
    sources: tuple[SourceField, ...] = ()
    consent_since: str | None = None
    earlier_consents: tuple[EarlierConsent, ...] = ()
    earlier_languages: tuple[str, ...] = ()

    @property
    def shown_title(self) -> Text | str:
        """The title for a page, where ours is translated."""
        return _SIGN_UP if self.title == DEFAULT_TITLE else self.title

    @property
    def shown_button(self) -> Text | str:
        """The text of the button, where ours is translated."""
        return self.button or _SIGN_UP

    @property
    def shown_success(self) -> Text | str:
        """The message after signing up, where ours is translated."""
        return self.success or _THANKS

    @property
    def shown_consent(self) -> Text | str:
        """The consent text for a page, where ours is translated."""
        return OUR_CONSENT if self.consent_text == DEFAULT_CONSENT else self.consent_text

    @property
    def consent_version(self) -> str:
        """A short digest that changes with the consent text."""
        return text_version(self.consent_text)

    @property
    def version(self) -> str:
        """A short digest that changes with anything that an operator sets."""
        given = {name: value for name, value in self.to_dict().items() if name not in KEPT_BY_US}
        return short_digest(json.dumps(given, sort_keys=True))

    def lists_for(self, account: str) -> tuple[ListRef, ...]:
        """Return the lists to which sign-ups of this account can go. The form may be of another one
        by now, where the ids of lists mean nothing for them."""
        return self.lists if self.account == account else ()

    @property
    def list_ids(self) -> dict[str, str]:
        """The lists' ids, by what a page may call each list: its name or its id in lower case."""
        return _ids_by_name(self.lists)

    @property
    def custom_by_key(self) -> dict[str, CustomField]:
        """The custom fields by the keys of their names and labels; see `match_key`."""
        return _by_key(self.custom_fields)

    def consent_text_of(self, version: str) -> str | None:
        """Return the consent text of this version, if the form shows it or has shown it."""
        if version == self.consent_version:
            return self.consent_text
        earlier = (each.text for each in self.earlier_consents)
        return next((text for text in earlier if text_version(text) == version), None)

    def shows_our_consent_in(self, language: str) -> bool:
        """Whether a page of the form shows our consent text in this language today."""
        return self.consent_text == DEFAULT_CONSENT and self.language in ("auto", language)

    def showed_our_consent_in(self, language: str) -> bool:
        """Whether a page of the form may have shown our consent text in this language before.

        A form that an older version stored has the language of today alone.
        """
        languages = self.earlier_languages or (self.language,)
        showed_ours = any(each.text == DEFAULT_CONSENT for each in self.earlier_consents)
        return showed_ours and not {"auto", language}.isdisjoint(languages)

    def after(self, before: "Form | None", *, now: str) -> "Form":
        """Return the form as it follows the form `before` it: with the consent texts of that one.

        `now` is the time of the change, as scripts read it.
        """
        if before is None:
            return replace(self, consent_since=now, earlier_consents=(), earlier_languages=())
        since, earlier = before.consent_since, before.earlier_consents
        languages = before.earlier_languages
        ours = before.consent_text == DEFAULT_CONSENT
        if before.consent_text != self.consent_text or (ours and before.language != self.language):
            last = EarlierConsent(text=before.consent_text, since=since, until=now)
            since, earlier = now, (last, *earlier)[:MOST_EARLIER]
            said = (before.language,) if ours else ()
            languages = tuple(dict.fromkeys((*languages, *said)))
        return replace(
            self, consent_since=since, earlier_consents=earlier, earlier_languages=languages
        )

    def allows_origin(self, origin: str) -> bool:
        """Whether a page at `origin` may post here; without a list of origins, any may."""
        return not self.origins or origin in self.origins

    def next_page(self, wanted: str | None, *, posted_from: str | None) -> str | None:
        """Return where the visitor goes after signing up; None for our own thanks page.

        `wanted` is the posted ``_next``, `posted_from` the website's page that posted, or its
        origin alone; None if that is unknown. A relative address is resolved against it. The result
        must be on the website that posted, or on one of the form's origins. Anything else is
        ignored, so that nobody can use a form to send people elsewhere.
        """
        wanted = (wanted or "").strip()
        if not wanted or len(wanted) > _LONGEST_NEXT:
            return self.redirect
        usual = len(wanted) + len(posted_from or "") <= _LONGEST_USUAL
        find = _usual_next if usual else _safe_next
        return find(wanted, posted_from, self.origins) or self.redirect

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> "Form":
        """Return the form that `to_dict` described. Unknown keys of later versions are ignored."""
        known = {key: value for key, value in stored.items() if key in cls.__dataclass_fields__}
        known["lists"] = tuple(ListRef(**item) for item in stored["lists"])
        known["custom_fields"] = tuple(CustomField(**item) for item in stored["custom_fields"])
        known["origins"] = tuple(stored["origins"])
        known["sources"] = tuple(
            SourceField(each["source"], CustomField(**each["field"]))
            for each in stored.get("sources", ())
        )
        earlier = stored.get("earlier_consents", ())
        known["earlier_consents"] = tuple(EarlierConsent(**item) for item in earlier)
        known["earlier_languages"] = tuple(stored.get("earlier_languages", ()))
        return cls(**known)


def _safe_next(wanted: str, posted_from: str | None, origins: tuple[str, ...]) -> str | None:
    # Browsers read `\` as `/`, and skip control characters. urlsplit does neither.
    if not wanted.isprintable() or "\\" in wanted:
        return None
    websites = list(origins)
    try:
        if posted_from and (not origins or origin_of(posted_from) in origins):
            websites.insert(0, posted_from)
        address = _absolute(wanted, websites, page=posted_from)
        hosts = {host for host in map(host_of, websites) if host}
        return address if address and host_of(address) in hosts else None
    except ValueError:  # not an address
        return None


# In characters. Proxies take no longer header lines, and the answer must stay small.
_LONGEST_NEXT = 2000
# The pages of a website post the same again and again. Strangers may post long texts.
_LONGEST_USUAL = 400
_usual_next = lru_cache(maxsize=1024)(_safe_next)


# Every sign-up needs the next two, and the forms change rarely.


@lru_cache(maxsize=1024)
def _ids_by_name(lists: tuple[ListRef, ...]) -> dict[str, str]:
    return {name.lower(): ref.id for ref in lists for name in (ref.name, ref.id)}


@lru_cache(maxsize=1024)
def _by_key(custom_fields: tuple[CustomField, ...]) -> dict[str, CustomField]:
    by_label = {match_key(custom.label): custom for custom in custom_fields}
    return by_label | {match_key(custom.name): custom for custom in custom_fields}


def _absolute(wanted: str, websites: list[str], *, page: str | None) -> str | None:
    """Return `wanted` with its scheme and host; None if it is relative to an unknown page."""
    if split_address(wanted).scheme:
        return wanted
    # Authors also write `www.example.com/thanks`. To a browser that is a path.
    without_scheme = wanted if wanted.startswith("//") else f"//{wanted}"
    named = host_of(f"https:{without_scheme}")
    schemes = [split_address(each).scheme for each in websites if named and host_of(each) == named]
    if schemes:
        return f"{schemes[0]}:{without_scheme}"
    if wanted.startswith("//") or page is None or page not in websites:
        return None
    return urljoin(page if split_address(page).path else f"{page}/", wanted)
