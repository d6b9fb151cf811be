"""Connect an account in a browser: one's own, or that of a client who was sent a link.

This is OAuth's authorization code flow: `start` gives the URL for the login, and `finish` takes
what the browser brings to the callback. A login that a browser began with a key of its own ends
only in that browser: whoever has seen the `state` cannot bring a login of their own (RFC 9700,
section 4.7).
"""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.accounts import problems
from shared.accounts.account_connector import (
    AccountConnector,
    AlreadyConnected,
    AnotherAccount,
    Connected,
    refresh_token_of,
    stopped_by,
)
from shared.accounts.application_calls import ConnectFailed, ConnectStopped
from shared.accounts.client_links import LINK_LIFE, Link, LinkClosed, Links, LinkState
from shared.accounts.client_texts import for_client
from shared.accounts.connect_request import (
    ConnectRequest,
    ConnectResult,
    StartedFrom,
    key_digest,
)
from shared.accounts.connect_store import STATE_LIFE, ConnectStore, link_result_id, result_id
from shared.constant_contact.applications import Application
from shared.constant_contact.errors import InvalidGrant, OAuthError
from shared.constant_contact.token_set import TokenSet
from shared.domain.account import check_name
from shared.domain.audit import Action
from shared.domain.errors import Refused
from shared.domain.window_counts import WindowCounts

# Logins that one client's link may begin in `STATE_LIFE`, in one process: each is kept for so long,
# and the link may be anywhere.
MOST_STARTS = 100


class OtherBrowser(Refused):
    """The login came back in another browser than the one that began it; its state still works.

    `request` is what was begun.
    """

    def __init__(self, message: str, request: ConnectRequest) -> None:
        super().__init__(message)
        self.request = request


@dataclass(frozen=True, slots=True)
class Started:
    """Where to send the browser, and until when that works; `state` identifies the request."""

    url: str = field(repr=False)
    redirect_uri: str
    expires_at: datetime
    state: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserFlow:
    """Raises `Refused`, of which `ConnectStopped` is one, and `LedgerUnavailable`. Safe between
    threads."""

    connector: AccountConnector
    store: ConnectStore
    links: Links
    redirect_uri: str
    now: Callable[[], datetime]
    starts_by_link: WindowCounts

    # --- to the login

    def start(
        self,
        name: str,
        *,
        by: str,
        started_from: StartedFrom = StartedFrom.TERMINAL,
        application: Application | None = None,
        replace: bool = False,
        browser_key: str | None = None,
    ) -> Started:
        """Return the URL at which the account's owner logs in; it works once.

        `by` is the operator who asks. With `replace`, the name may pass to another account. With
        `browser_key`, only the browser that has this key can end the login.
        """
        check_name(name)
        return self._start(
            ConnectRequest(
                account=name,
                client_id=self.connector.calls.known(application).client_id,
                redirect_uri=self.redirect_uri,
                by=by,
                started_from=started_from,
                replace=replace,
                browser=key_digest(browser_key) if browser_key else None,
            )
        )

    def make_link(
        self,
        name: str,
        *,
        by: str,
        asked_by: str,
        application: Application | None = None,
        replace: bool = False,
        life: timedelta = LINK_LIFE,
    ) -> Link:
        """Return a link for the account's owner. `asked_by` is the name that the client reads."""
        check_name(name)
        link = self.links.make(
            name,
            self.connector.calls.known(application).client_id,
            asked_by=asked_by,
            made_by=by,
            replace=replace,
            now=self.now(),
            life=life,
        )
        self.connector.trail.add(Action.MAKE_LINK, account=name, target=link.id, replace=replace)
        return link

    def withdraw_link(self, id: str) -> Link:
        """Take the link back if it can still be used; return it as it is then.

        Raises `Refused` when there is no such link.
        """
        link = self.links.withdraw(id, self.now())
        if link.state == LinkState.WITHDRAWN:
            self.connector.trail.add(Action.WITHDRAW_LINK, account=link.account, target=id)
        return link

    def open_link(self, token: str) -> Link:
        """Return the link that a client has opened, and note that they did."""
        link = self.links.read(token, self.now())
        if link.state == LinkState.WAITING:
            self.links.note(link.id, LinkState.OPENED, "", self.now())
        return link

    def start_by_link(self, token: str, *, browser_key: str | None = None) -> Started:
        """Return where the client logs in, in the browser with this key if one is given.

        Raises `LinkClosed` for a link that was used.
        """
        link = self.links.read(token, self.now())
        if self.starts_by_link.count(link.id) is not None:
            raise Refused("This link was followed too often. Please try again in 15 minutes.")
        if link.state == LinkState.CONNECTED:
            raise LinkClosed(
                "This link has been used: the account is connected. You need not do anything."
            )
        return self._start(
            ConnectRequest(
                account=link.account,
                client_id=link.client_id,
                redirect_uri=self.redirect_uri,
                by=link.made_by,
                started_from=StartedFrom.LINK,
                replace=link.replace,
                link=link.id,
                browser=key_digest(browser_key) if browser_key else None,
            )
        )

    def _start(self, request: ConnectRequest) -> Started:
        calls = self.connector.calls
        oauth = calls.oauth(calls.find(request.client_id))
        state = self.store.begin(request)
        return Started(
            url=oauth.authorization_url(request.redirect_uri, state),
            redirect_uri=request.redirect_uri,
            expires_at=self.now() + STATE_LIFE,
            state=state,
        )

    # --- back from the login

    def finish(self, state: str, code: str, *, browser_key: str = "") -> Connected:
        """Connect the account with the `state` and `code` that came to the callback."""
        request = self._take(state, browser_key)
        if request is None:
            raise Refused(problems.STALE)
        with self._failure_saved(request, state), self._link_locked(request):
            connected = self.connector.connect_or_save(request, self._exchange(request, code))
            return self._success_saved(request, state, connected)

    def refuse(
        self, state: str, error: str, description: str = "", *, browser_key: str = ""
    ) -> Refused:
        """End the request that came back with an `error`; return what to tell the person."""
        request = self._take(state, browser_key) if state else None
        sentence = problems.explain_callback(error, description, self.redirect_uri)
        if request is None:
            return Refused(f"{sentence} Then start again.")
        kind = problems.AccessDenied if error == "access_denied" else Refused
        return self._failed(request, state, kind(f"{sentence} {problems.again(request)}"))

    def _take(self, state: str, browser_key: str) -> ConnectRequest | None:
        """Return the request with this state, which works once. Raises `OtherBrowser`."""
        waiting = self.store.waiting(state)
        if waiting is None:
            return None
        if not waiting.may_end_in(browser_key):
            raise OtherBrowser(problems.other_browser(waiting), waiting)
        return self.store.take(state)

    def resume(
        self,
        pending_id: str,
        *,
        by: str | None = None,
        replace: bool = False,
        name: str | None = None,
    ) -> Connected:
        """Go on with the tokens that were saved when connecting stopped halfway.

        With `replace`, the other account takes the name. With `name`, they renew the account of
        that name instead. `by` is the operator who confirms this; None leaves the one who started.
        """
        with self.store.lock(pending_id) as locked:
            if not locked:
                raise Refused(
                    "This connection is being finished at this moment. Reload this page in a"
                    " minute."
                )
            try:
                connected = self._resume(pending_id, by, replace, name)
            except ConnectStopped as error:
                error.pending_id = pending_id
                pending = self.store.pending(pending_id)
                if pending:
                    self.store.save_pending(stopped_by(error, pending), self.now(), pending_id)
                if by is not None:
                    raise
                raise self._for_whom(pending.request if pending else None, error) from error
            self.store.forget_pending(pending_id)
            return connected

    def _resume(
        self, pending_id: str, by: str | None, replace: bool, name: str | None
    ) -> Connected:
        pending = self.store.pending(pending_id)
        if pending is None:
            raise Refused(
                "This connection was finished already, or was begun more than 12 hours ago."
                " Nothing was changed. Start again."
            )
        request = dataclasses.replace(
            pending.request,
            account=name or pending.request.account,
            by=by or pending.request.by,
            # Whoever asked for it from the start meant that name, and no other.
            replace=replace
            or (pending.request.replace and name in (None, pending.request.account)),
        )
        self._check_nothing_newer(request, pending.tokens, pending.at)
        with self._link_locked(request):
            connected = self.connector.connect(
                request, pending.tokens, instead_of=pending.instead_of
            )
            return self._success_saved(request, pending_id, connected)

    def _check_nothing_newer(self, request: ConnectRequest, tokens: TokenSet, since: str) -> None:
        """Raise `Refused` when these tokens would replace newer ones."""
        self.connector.check_unspent(request, refresh_token_of(tokens))
        account = self.connector.registry.account(request.account)
        changes = [account.connected_at, account.disconnected_at] if account else []
        if any(moment is not None and moment > since for moment in changes):
            raise Refused(
                f"{request.account} has been connected or disconnected since this was started, so"
                " nothing was changed. If it is not connected as it should be, start again."
            )

    def _exchange(self, request: ConnectRequest, code: str) -> TokenSet:
        calls, again = self.connector.calls, problems.again(request)
        try:
            return calls.call(
                calls.find(request.client_id),
                lambda endpoint: endpoint.exchange_code(code, request.redirect_uri),
            )
        except InvalidGrant as error:
            raise Refused(
                f"{problems.explain_code(error, request.redirect_uri)} {again}"
            ) from error
        except OAuthError as error:
            raise ConnectFailed(
                f"signup-relay could not get tokens from Constant Contact ({error}). Nothing was"
                f" changed. {again}"
            ) from error

    @contextlib.contextmanager
    def _link_locked(self, request: ConnectRequest) -> Iterator[None]:
        """Let a link connect once; after a failure it still works."""
        if request.link is None:
            yield
            return
        with self.store.lock(f"link {request.link}") as locked:
            if not locked:
                raise LinkClosed(
                    "Somebody is connecting by this link at this moment. Open it again in a minute"
                    " to see the result."
                )
            link = self.links.find(request.link)
            if link is None or not link.is_open(self.now()):
                raise LinkClosed(
                    "This link has been used or withdrawn, or has expired. Nothing was changed."
                )
            yield

    # --- results, for the terminal, the console, and the operator who made the link

    def result(self, state: str) -> ConnectResult | None:
        """Return what became of a request; None while the person has not come back."""
        return self.store.result(result_id(state))

    def link_result(self, link: Link) -> ConnectResult | None:
        """Return what became of the last login by this link; None if there was none."""
        return self.store.result(link_result_id(link.id))

    def link_of(self, state: str, *, browser_key: str = "") -> Link | None:
        """Return the client's link by which the request with this state came, once it is over.

        Another browser than the client's learns no link that still works.
        """
        result = self.result(state)
        link = self.links.find(result.link) if result and result.link else None
        if link is None or (result and result.came_from(browser_key)):
            return link
        return None if link.is_open(self.now()) else link

    @contextlib.contextmanager
    def _failure_saved(self, request: ConnectRequest, state: str) -> Iterator[None]:
        """Save why connecting failed, if it does, and say so to whoever logged in."""
        try:
            yield
        except Refused as error:
            raise self._failed(request, state, error) from error

    def _failed(self, request: ConnectRequest, state: str, error: Refused) -> Refused:
        """Save the failure for the operator; return it for the person who logged in."""
        shown = self._for_whom(request, error)
        self._save(request, state, _failure(request, error, shown))
        return shown

    def _for_whom(self, request: ConnectRequest | None, error: Refused) -> Refused:
        """Return the error in words for the client, if the request came by a link."""
        link = self.links.find(request.link) if request and request.link else None
        return for_client(error, link.asked_by) if link else error

    def _success_saved(
        self, request: ConnectRequest, state: str, connected: Connected
    ) -> Connected:
        """Save the result; return `connected` with its id, and with who asked the client."""
        link = self.links.find(request.link) if request.link else None
        result = ConnectResult(
            request.account,
            connected=True,
            checks=connected.checks,
            link=request.link,
            browser=request.browser,
        )
        self._save(request, state, result)
        return dataclasses.replace(
            connected, result_id=result_id(state), asked_by=link.asked_by if link else None
        )

    def _save(self, request: ConnectRequest, state: str, result: ConnectResult) -> None:
        self.store.save_result(state, result)
        link = self.links.find(request.link) if request.link else None
        if link and link.is_open(self.now()):  # a second login by a used link changes nothing
            self.store.save_link_result(link.id, result)
        if request.link:
            reached = LinkState.CONNECTED if result.connected else LinkState.FAILED
            self.links.note(request.link, reached, result.sentence, self.now())


def _failure(request: ConnectRequest, error: Refused, shown: Refused) -> ConnectResult:
    pending_id = error.pending_id if isinstance(error, AnotherAccount | AlreadyConnected) else None
    return ConnectResult(
        request.account,
        connected=False,
        sentence=str(error),
        pending_id=pending_id,
        link=request.link,
        for_client=str(shown),
        from_console=request.started_from == StartedFrom.CONSOLE,
        browser=request.browser,
    )
