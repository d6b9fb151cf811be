"""The calls of the Constant Contact V3 API that signup-relay needs. One client serves one lane.

A read that fails raises an `ApiError`. Sending a sign-up does not: shared/domain/outcome.py judges
its `ApiAnswer`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urljoin

from shared.constant_contact.answers import (
    no_answer,
    read_answer,
    read_body,
    read_subscription_status,
)
from shared.constant_contact.errors import (
    ApiError,
    ApiUnavailable,
    ConnectionFailed,
    Forbidden,
    Unauthorized,
)
from shared.constant_contact.response import Response
from shared.domain.fields import API_OBJECTS, FIELDS
from shared.domain.form import CustomField
from shared.domain.outcome import ApiAnswer, rest_after
from shared.domain.signup import Contact
from shared.domain.subscription_status import SubscriptionStatus
from shared.domain.web_addresses import origin_of, split_address

if TYPE_CHECKING:
    from shared.constant_contact.connection import Connection

# The schema allows 1,000 lists a page, its own text only 500.
_LISTS_A_PAGE = 500
_FIELDS_A_PAGE = 100
# Fields of other types, such as `date` and `number`, may refuse a text.
# https://developer.constantcontact.com/api_guide/create_custom_fields.html, November 2026
_TYPES_OF_TEXT = ("string", "text", "text_area")
# 50,000 lists; Constant Contact advises to stay below 1,000. This ends an endless chain of pages.
_MOST_PAGES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """Whose account it is. `encoded_account_id` never changes."""

    organization: str | None
    contact_email: str | None = field(repr=False)
    encoded_account_id: str | None


@dataclass(frozen=True, slots=True)
class ContactList:
    """A contact list; `membership_count` is None when the API left it out."""

    id: str
    name: str
    membership_count: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundContact:
    """A contact in an answer of the API. `permission` is for example ``explicit`` or
    ``pending_confirmation``; `lists` are ids."""

    id: str
    permission: str | None
    lists: tuple[str, ...]


@dataclass(eq=False, repr=False)
class ConstantContact:
    """Talks to the API with the access token that each call is given.

    `grant` waits for a slot of the API key's pace and counts the call. Reads call `grant`
    themselves. A sign-up, and the look before it, already have the slot of their claim.
    `clock_ahead` is by how much the API's clock was ahead of ours at the last read; None before
    that. `rest` makes all calls with the key wait after a 429.
    """

    api_url: str
    connection: "Connection"
    grant: Callable[[], None]
    rest: Callable[[timedelta], None]
    deadline: timedelta
    now: Callable[[], datetime]
    clock_ahead: timedelta | None = field(default=None, init=False)

    def prepare(self) -> None:
        """Make sure that there is a live connection; raises `ConnectionFailed`."""
        self.connection.open(self.api_url)

    def close(self) -> None:
        self.connection.close()

    def sign_up(self, access_token: str, body: Mapping[str, Any]) -> ApiAnswer:
        """Create or update a contact. Safe to send twice: contacts are known by address."""
        answer, _ = self._deliver("POST", access_token, "/contacts/sign_up_form", body)
        return answer

    def look_up(self, access_token: str, email: str) -> tuple[ApiAnswer, SubscriptionStatus | None]:
        """Ask for the subscription status of the person with this address, deleted contacts
        included. It is None when the answer does not show it."""
        query = urlencode({"email": email, "status": "all"})
        answer, response = self._deliver("GET", access_token, f"/contacts?{query}")
        if response is None or response.status_code != 200:
            return answer, None
        status = read_subscription_status(read_body(response))
        message = "the answer makes no sense" if status is None else None
        # It is no sign-up's answer, whatever else it says: nothing has been delivered.
        return replace(answer, contact_id=None, action=None, message=message), status

    def ask(self, access_token: str, contact_id: str, lists: Sequence[str]) -> ApiAnswer:
        """Have Constant Contact send its confirmation mail, once, to someone who is
        unsubscribed. They are put onto `lists`, and subscribed, when they confirm."""
        path = f"/contacts/resubscribe/{quote(contact_id, safe='')}"
        answer, response = self._deliver("PUT", access_token, path, {"list_ids": list(lists)})
        if response is None or response.status_code != 200:
            return answer
        return replace(answer, contact_id=contact_id, action="asked", message=None)

    def privileges(self, access_token: str) -> frozenset[str]:
        """Return what the login of this token may do, such as ``contacts:write``."""
        what = "the privileges"
        found = self._read(access_token, "/account/user/privileges", what)
        if not isinstance(found, list):
            raise _unreadable(what)
        names = (entry.get("privilege_name") for entry in found if isinstance(entry, dict))
        return frozenset(name for name in names if isinstance(name, str))

    def summary(self, access_token: str) -> Organization:
        """Return whose account it is; needs the scope ``account_read``."""
        what = "the account's name"
        found = self._read(access_token, "/account/summary", what)
        if not isinstance(found, dict):
            raise _unreadable(what)
        return Organization(
            organization=_text(found.get("organization_name")),
            contact_email=_text(found.get("contact_email")),
            encoded_account_id=_text(found.get("encoded_account_id")),
        )

    def lists(self, access_token: str) -> list[ContactList]:
        """Return all contact lists of the account."""
        path = f"/contact_lists?limit={_LISTS_A_PAGE}&include_membership_count=active"
        return [
            ContactList(
                str(entry["list_id"]), str(entry["name"]), _count(entry.get("membership_count"))
            )
            for entry in self._pages(access_token, path, "lists", ("list_id", "name"))
        ]

    def custom_fields(self, access_token: str, *, of_text: bool = False) -> list[CustomField]:
        """Return all custom fields of the account, or only those that take any text."""
        path = f"/contact_custom_fields?limit={_FIELDS_A_PAGE}"
        needed = ("custom_field_id", "name", "label")
        return [
            CustomField(str(entry["custom_field_id"]), str(entry["name"]), str(entry["label"]))
            for entry in self._pages(access_token, path, "custom_fields", needed)
            if not of_text or entry.get("type") in _TYPES_OF_TEXT
        ]

    def contact(self, access_token: str, email: str) -> FoundContact | None:
        """Return the contact with this address, unless it is deleted; None when there is none."""
        query = urlencode({"email": email, "status": "all", "include": "list_memberships"})
        for entry in self._pages(access_token, f"/contacts?{query}", "contacts", ("contact_id",)):
            if not entry.get("deleted_at"):
                return _found(entry)
        return None

    def delete_contact(self, access_token: str, contact_id: str) -> None:
        """Delete the contact. A contact that no longer exists counts as deleted."""
        what = "the deletion of the contact"
        path = f"/contacts/{quote(contact_id, safe='')}"
        response = self._request("DELETE", access_token, path, what)
        if response.status_code not in (200, 204, 404):
            raise _api_error(what, response, self.now())

    def _deliver(
        self, method: str, access_token: str, path: str, body: Mapping[str, Any] | None = None
    ) -> tuple[ApiAnswer, Response | None]:
        """Send a request that got its slot with its claim. The caller judges the answer."""
        try:
            response = self.connection.send(
                method,
                self.api_url + path,
                headers=_headers(access_token),
                json=body,
                deadline=self.deadline,
            )
        except ConnectionFailed as error:
            return no_answer(error), None
        return read_answer(response, self.now()), response

    def _pages(
        self, access_token: str, path: str, name: str, needed: Sequence[str]
    ) -> Iterator[Mapping[str, Any]]:
        """Yield the entries called `name` of all pages, each with the `needed` fields."""
        what = name.replace("_", " ")
        url = path
        for _ in range(_MOST_PAGES):
            page = self._read(access_token, url, what)
            entries = page.get(name) if isinstance(page, dict) else None
            if not isinstance(entries, list):
                raise _unreadable(what)
            for entry in entries:
                if not isinstance(entry, dict) or not all(key in entry for key in needed):
                    raise _unreadable(what)
                yield entry
            href = _next(page)
            if href is None:
                return
            url = self._on_own_host(href, what)
        raise _unreadable(what)

    def _on_own_host(self, href: str, what: str) -> str:
        """Return the next page's URL; the token is sent only to the API itself."""
        try:
            split_address(href)  # refuses a host that `urljoin` would read for minutes
            url = urljoin(self.api_url, href)
            elsewhere = origin_of(url) != origin_of(self.api_url)
        except ValueError as error:  # such as a bracket that is not closed
            raise _unreadable(what) from error
        if elsewhere:
            raise _unreadable(what)
        return url

    def _read(self, access_token: str, where: str, what: str) -> Any:
        """Return the JSON at `where`, a path of the API or the whole URL of a next page."""
        response = self._request("GET", access_token, where, what)
        if response.status_code == 200:
            return read_body(response)
        raise _api_error(what, response, self.now())

    def _request(self, method: str, access_token: str, where: str, what: str) -> Response:
        """Send the request, and send it again after a rest if the rate limit was exceeded."""
        url = self.api_url + where if where.startswith("/") else where
        response = self._request_once(method, access_token, url, what)
        rest = rest_after(read_answer(response, self.now()))
        if rest is None:
            return response
        self.rest(rest)
        return self._request_once(method, access_token, url, what)

    def _request_once(self, method: str, access_token: str, url: str, what: str) -> Response:
        try:
            self.prepare()
            self.grant()
            response = self.connection.send(
                method, url, headers=_headers(access_token), deadline=self.deadline
            )
        except ConnectionFailed as error:
            raise ApiUnavailable(what, no_answer(error)) from error
        self.clock_ahead = clock_ahead_in(response, self.now())
        return response


def signup_body(contact: Contact, lists: Sequence[str]) -> dict[str, Any]:
    """Return the body of `sign_up` for `contact` and the ids of its lists.

    Only what was typed is sent: the API leaves every other property as it is. No
    `create_source`, which the published schema does not know.
    """
    body: dict[str, Any] = {}
    for each in FIELDS:
        if value := contact.fields.get(each.api_name):
            place = _object(body, each.api_object)
            place[each.api_name] = _number(value) if each.is_number else value
    body["list_memberships"] = list(lists)
    if contact.custom:
        body["custom_fields"] = [
            {"custom_field_id": value.id, "value": value.value} for value in contact.custom
        ]
    return body


def _object(body: dict[str, Any], name: str | None) -> dict[str, Any]:
    """Return the object of `body` called `name`, made if needed; the body itself for None."""
    if name is None:
        return body
    found: dict[str, Any] = body.setdefault(name, dict(API_OBJECTS[name]))
    return found


def _number(typed: str) -> int | str:
    """Return the number; what is none goes out as it is, for the API to say so."""
    return int(typed) if typed.isascii() and typed.isdigit() else typed


def _headers(access_token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {access_token}", "Accept": "application/json"}


def _api_error(what: str, response: Response, now: datetime) -> ApiError:
    answer = read_answer(response, now)
    match response.status_code:
        case 401:
            return Unauthorized(what, answer)
        case 403:
            return Forbidden(what, answer)
        case status if 400 <= status < 500 and status not in (408, 425, 429):
            return ApiError(what, answer)
        case _:
            return ApiUnavailable(what, answer)


def clock_ahead_in(response: Response, now: datetime) -> timedelta | None:
    """Return by how much the server's clock is ahead; None when the answer has no date."""
    try:
        return parsedate_to_datetime(response.headers["date"]) - now
    except (KeyError, ValueError, TypeError, OverflowError):
        return None


def _found(entry: Mapping[str, Any]) -> FoundContact:
    address = entry.get("email_address")
    lists = entry.get("list_memberships")
    permission = address.get("permission_to_send") if isinstance(address, dict) else None
    return FoundContact(
        id=str(entry["contact_id"]),
        permission=permission if isinstance(permission, str) else None,
        lists=tuple(str(each) for each in lists) if isinstance(lists, list) else (),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _count(value: object) -> int | None:
    return value if type(value) is int else None


def _unreadable(what: str) -> ApiUnavailable:
    return ApiUnavailable(what, ApiAnswer(status=200, message="the answer makes no sense"))


def _next(page: Any) -> str | None:
    links = page.get("_links")
    following = links.get("next") if isinstance(links, dict) else None
    href = following.get("href") if isinstance(following, dict) else None
    return href if isinstance(href, str) and href else None
