"""Use case: connect an account. In the browser, by a client's link, by device, or with tokens.

All four end in an `Adoption`, which looks at the account behind the tokens and stores both
(shared/accounts/adoption.py). Connecting again under the same name renews the connection.
"""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from shared.accounts import problems
from shared.accounts.adoption import Adoption, AnotherAccount, ConnectFailed, refresh_token_of
from shared.accounts.client_links import LINK_LIFE, Link, Links, LinkState
from shared.accounts.handshakes import (
    STATE_LIFE,
    Ending,
    Handshake,
    Handshakes,
    Kept,
    Via,
    ending_id,
)
from shared.constant_contact.applications import Application, Applications
from shared.constant_contact.errors import InvalidClient, InvalidGrant, OAuthError, Unauthorized
from shared.constant_contact.oauth import DeviceCode, OAuth
from shared.constant_contact.token_set import TokenSet
from shared.constant_contact.token_vault import CALL_DEADLINE, Token
from shared.domain.account import NAME, Account, HoldReason
from shared.domain.check import Check, Verdict
from shared.domain.errors import Refused, TokenError
from shared.infrastructure.timestamps import timestamp
from shared.ledger.registry import Registry

__all__ = ["AnotherAccount", "ConnectFailed", "Connected", "Connecting", "Started", "check_name"]

# A person waits for it, and it only tells what the login page would say, too. With the start of
# a command, it keeps them for less than five seconds.
PREFLIGHT_DEADLINE = timedelta(seconds=4)
# More of a page than says what is wrong.
_ENOUGH = 100_000


@dataclass(frozen=True, slots=True)
class Started:
    """Where to send the browser, and until when that works; `state` names the handshake."""

    url: str = field(repr=False)
    redirect_uri: str
    expires_at: datetime
    state: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Connected:
    """A connection that was just made, and what was seen of it.

    `via` is where it was begun, `ending` the id under which others find what became of it, and
    `asked_by` whom a client did it for.
    """

    account: Account
    token: Token
    checks: tuple[Check, ...]
    via: Via
    ending: str | None = None
    asked_by: str | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """Whole sentences for people to act on."""
        wrong = [check for check in self.checks if check.verdict == Verdict.PROBLEM]
        return tuple(" ".join(filter(None, (check.found, check.fix))) for check in wrong)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connecting:
    """Connects accounts and disconnects them.

    Every failure is a `Refused` whose message says what to do, `ConnectFailed` when it is only
    that it cannot be done just now, or `LedgerUnavailable`. Safe between threads.
    """

    adoption: Adoption
    registry: Registry
    applications: Applications
    handshakes: Handshakes
    links: Links
    redirect_uri: str
    now: Callable[[], datetime]

    # --- before

    def preflight(self, application: Application | None = None) -> Check:
        """Look whether Constant Contact would let a person log in for this application."""
        oauth = self._oauth(application or self.applications.default)
        url = oauth.authorization_url(self.redirect_uri, "preflight")
        response = oauth.look_at(url, PREFLIGHT_DEADLINE)
        if response is None:
            return problems.of_preflight(None, "", "", self.redirect_uri)
        location = response.headers.get("Location", "")
        page = response.content[:_ENOUGH].decode(errors="replace")
        return problems.of_preflight(response.status_code, location, page, self.redirect_uri)

    # --- in the browser

    def start(
        self,
        name: str,
        *,
        by: str,
        via: Via = Via.TERMINAL,
        application: Application | None = None,
        replace: bool = False,
    ) -> Started:
        """Return the URL at which the account's owner consents; it works once.

        `by` is who of ours asks. With `replace`, another account than before may take the name.
        """
        check_name(name)
        handshake = self._handshake(name, by=by, via=via, application=application, replace=replace)
        return self._start(handshake)

    def _start(self, handshake: Handshake) -> Started:
        oauth = self._oauth(self.adoption.application(handshake.client_id))
        state = self.handshakes.begin(handshake)
        return Started(
            url=oauth.authorization_url(handshake.redirect_uri, state),
            redirect_uri=handshake.redirect_uri,
            expires_at=self.now() + STATE_LIFE,
            state=state,
        )

    def finish(self, state: str, code: str) -> Connected:
        """Connect the account whose owner has consented: the callback's `state` and `code`."""
        handshake = self._taken(state)
        with self._told_to_whoever_waits(handshake, state), self._link_used(handshake):
            connected = self._connect_or_keep(handshake, self._exchanged(handshake, code))
            return self._told(handshake, state, connected)

    def refuse(self, state: str, error: str, description: str = "") -> Refused:
        """End the handshake that Constant Contact sent back with an `error`; return what to say."""
        handshake = self.handshakes.take(state) if state else None
        sentence = problems.of_callback(error, description, self.redirect_uri)
        if handshake is None:
            return Refused(f"{sentence} Then begin again.")
        refused = Refused(f"{sentence} {problems.again(handshake)}")
        self._tell(handshake, state, _failed(handshake, refused))
        return refused

    def resume(self, kept: str, *, by: str | None = None, replace: bool = False) -> Connected:
        """Go on with tokens that were kept when connecting stopped halfway.

        With `replace`, the other account takes the name. `by` is who of ours says so; None
        leaves it with whoever began.
        """
        with self.handshakes.alone(kept) as mine:
            if not mine:
                raise Refused("This is being done at this moment. Look again in a minute.")
            found = self.handshakes.kept(kept)
            if found is None:
                raise Refused("This has been done already, or was begun too long ago. Begin again.")
            self._check_nothing_newer(found)
            try:
                connected = self._resumed(kept, found, by or found.handshake.by, replace)
            except (AnotherAccount, ConnectFailed) as error:
                error.kept = kept
                raise
            self.handshakes.forget_kept(kept)
            return connected

    def _resumed(self, kept: str, found: Kept, by: str, replace: bool) -> Connected:
        handshake = dataclasses.replace(
            found.handshake, by=by, replace=found.handshake.replace or replace
        )
        with self._link_used(handshake):
            connected = self._connect(handshake, found.tokens)
            return self._told(handshake, kept, connected)

    def _check_nothing_newer(self, kept: Kept) -> None:
        """Raise `Refused` when these tokens would replace what came after them."""
        name = kept.handshake.account
        self._check_unspent(name, refresh_token_of(kept.tokens))
        account = self.registry.account(name)
        since = [account.connected_at, account.disconnected_at] if account else []
        if any(moment is not None and moment > kept.at for moment in since):
            raise Refused(
                f"{name} has been connected or disconnected since this was begun, so nothing was"
                " changed. If it is not connected as it should be, begin again."
            )

    def ending(self, state: str) -> Ending | None:
        """Return what became of a handshake; None while the person has not come back."""
        return self.handshakes.ending(ending_id(state))

    def _taken(self, state: str) -> Handshake:
        handshake = self.handshakes.take(state)
        if handshake is None:
            raise Refused(problems.STALE)
        return handshake

    def _exchanged(self, handshake: Handshake, code: str) -> TokenSet:
        again = problems.again(handshake)
        try:
            return self.adoption.call(
                self.adoption.application(handshake.client_id),
                lambda endpoint: endpoint.exchange_code(code, handshake.redirect_uri),
            )
        except InvalidGrant as error:
            raise Refused(f"{problems.of_code(error, handshake.redirect_uri)} {again}") from error
        except OAuthError as error:
            raise ConnectFailed(
                f"Constant Contact could not be asked for tokens ({error}). Nothing was changed."
                f" {again}"
            ) from error

    # --- by a client's link

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
        return self.links.make(
            name,
            self.adoption.known(application).client_id,
            asked_by=asked_by,
            made_by=by,
            replace=replace,
            now=self.now(),
            life=life,
        )

    def open_link(self, token: str) -> Link:
        """Return the link that a client has opened, and write down that it was."""
        link = self.links.read(token, self.now())
        if link.state == LinkState.WAITING:
            self.links.note(link.id, LinkState.OPENED, "", self.now())
        return link

    def start_by_link(self, token: str) -> Started:
        """Return where the client logs in."""
        link = self.links.read(token, self.now())
        return self._start(
            Handshake(
                account=link.account,
                client_id=link.client_id,
                redirect_uri=self.redirect_uri,
                by=link.made_by,
                via=Via.LINK,
                replace=link.replace,
                link=link.id,
            )
        )

    @contextlib.contextmanager
    def _link_used(self, handshake: Handshake) -> Iterator[None]:
        """Let a link connect once; what comes to nothing leaves it good for another try."""
        if handshake.link is None:
            yield
            return
        with self.handshakes.alone(f"link {handshake.link}") as mine:
            if not mine:
                raise Refused(
                    "Somebody is connecting by this link at this moment. Open it again in a minute"
                    " to see whether that went well."
                )
            link = self.links.find(handshake.link)
            if link is None or not link.is_open(self.now()):
                raise Refused(
                    "This link has been used, taken back, or has expired. Nothing was changed."
                )
            yield

    # --- for whoever waits: the terminal, the console, and who made the link

    @contextlib.contextmanager
    def _told_to_whoever_waits(self, handshake: Handshake, state: str) -> Iterator[None]:
        """Write down why the handshake failed, if it does."""
        try:
            yield
        except Refused as error:
            self._tell(handshake, state, _failed(handshake, error))
            raise

    def _told(self, handshake: Handshake, state: str, connected: Connected) -> Connected:
        """Write down that it went well; return `connected` with where that is written."""
        self._tell(handshake, state, Ending(handshake.account, True, checks=connected.checks))
        return dataclasses.replace(connected, ending=ending_id(state))

    def _tell(self, handshake: Handshake, state: str, ending: Ending) -> None:
        self.handshakes.end(state, ending)
        if handshake.link:
            reached = LinkState.CONNECTED if ending.connected else LinkState.FAILED
            self.links.note(handshake.link, reached, ending.sentence, self.now())

    # --- by device

    def start_device(self, application: Application | None = None) -> DeviceCode:
        """Return the code that a person enters in any browser, and what to poll with."""
        try:
            return self._oauth(self.adoption.known(application)).begin_device(CALL_DEADLINE)
        except InvalidClient as error:
            raise Refused(problems.of_device(error)) from error
        except OAuthError as error:
            raise ConnectFailed(f"Constant Contact gave no code ({error}). Try again.") from error

    def poll_device(
        self,
        name: str,
        code: DeviceCode,
        *,
        by: str,
        application: Application | None = None,
        replace: bool = False,
    ) -> Connected:
        """Connect once the code was entered; raises `DevicePending` before, `DeviceDenied` when
        it never will be, and `TokenEndpointFailed` when it is worth asking again."""
        check_name(name)
        handshake = self._handshake(
            name, by=by, via=Via.TERMINAL, application=application, replace=replace
        )
        try:
            tokens = self.adoption.call(
                self.adoption.application(handshake.client_id),
                lambda endpoint: endpoint.poll_device(code.device_code),
            )
        except InvalidGrant as error:
            raise Refused("Constant Contact knows this code no more. Begin again.") from error
        if tokens.refresh_token is None:
            raise Refused(
                "Constant Contact gave no refresh token to a device, so the connection would end"
                f" within a day. Use a browser instead: relay connect {name} --url, or --link."
            )
        return self._connect_or_keep(handshake, tokens)

    # --- with tokens from elsewhere

    def with_tokens(
        self,
        name: str,
        given: Mapping[str, Any],
        *,
        by: str,
        application: Application | None = None,
        replace: bool = False,
    ) -> Connected:
        """Connect with ``{"access_token", "refresh_token", "expires_in"}``, once they work."""
        check_name(name)
        handshake = self._handshake(
            name, by=by, via=Via.TERMINAL, application=application, replace=replace
        )
        tokens = TokenSet.from_json(given)
        if tokens is None:
            raise Refused('There is no "access_token" in what was given, or none that can be one.')
        refresh_token = refresh_token_of(tokens)
        with self.handshakes.alone(refresh_token) as mine:
            if not mine:
                raise Refused("Another command is connecting with these tokens just now.")
            return self._with_given(handshake, tokens, refresh_token)

    def _with_given(self, handshake: Handshake, given: TokenSet, refresh_token: str) -> Connected:
        self._check_unspent(handshake.account, refresh_token)
        tokens = self._working(handshake.client_id, given, refresh_token)
        spent = None if tokens is given else refresh_token
        connected = self._connect(handshake, tokens, spent=spent)
        self.handshakes.forget_spare(refresh_token)
        return connected

    def _check_unspent(self, name: str, refresh_token: str) -> None:
        for account in self.registry.accounts():
            if self.adoption.vault.has_replaced(account.name, refresh_token):
                raise Refused(
                    f"These tokens have been refreshed since they were given: {account.name} has"
                    " newer ones, and the old refresh token must not be used again. Nothing was"
                    " changed."
                )
            if account.name != name and self.adoption.vault.has(account.name, refresh_token):
                raise Refused(
                    f"{account.name} is connected with these very tokens. Two names that refresh"
                    " one token would end each other's connection; log in once more for the"
                    " second. Nothing was changed."
                )

    def _working(self, client_id: str, tokens: TokenSet, refresh_token: str) -> TokenSet:
        """Return `tokens` if the API accepts them, else what one refresh gives."""
        try:
            self.adoption.ask(client_id, lambda api: api.privileges(tokens.access_token))
        except Unauthorized:
            spare = self.handshakes.spare(refresh_token)
            return spare or self._refreshed(client_id, refresh_token)
        return tokens

    def _refreshed(self, client_id: str, refresh_token: str) -> TokenSet:
        """Refresh, and keep the result in case connecting fails after that.

        Whoever gave a rotating token has only that one, which is spent now.
        """
        try:
            tokens = self.adoption.call(
                self.adoption.application(client_id),
                lambda endpoint: endpoint.refresh(refresh_token),
            )
        except InvalidGrant as error:
            raise Refused(
                "Constant Contact refuses both tokens: they are too old, were used elsewhere, or"
                " belong to another API key. Nothing was changed."
            ) from error
        except OAuthError as error:
            raise ConnectFailed(
                f"The access token is refused, and it could not be refreshed ({error})."
                " Nothing was changed; try again with the same tokens."
            ) from error
        self.handshakes.keep_spare(refresh_token, tokens, self.now())
        return tokens

    # --- all four

    def _handshake(
        self, name: str, *, by: str, via: Via, application: Application | None, replace: bool
    ) -> Handshake:
        return Handshake(
            account=name,
            client_id=self.adoption.known(application).client_id,
            redirect_uri=self.redirect_uri,
            by=by,
            via=via,
            replace=replace,
        )

    def _connect_or_keep(self, handshake: Handshake, tokens: TokenSet) -> Connected:
        """Connect; when that stops halfway, keep the tokens, so that nobody logs in twice."""
        try:
            return self._connect(handshake, tokens)
        except (AnotherAccount, ConnectFailed) as error:
            belongs_to = error.found if isinstance(error, AnotherAccount) else None
            error.kept = self.handshakes.keep(handshake, tokens, self.now(), belongs_to)
            raise

    def _connect(
        self, handshake: Handshake, tokens: TokenSet, *, spent: str | None = None
    ) -> Connected:
        adopted = self.adoption.adopt(handshake, tokens, spent=spent)
        link = self.links.find(handshake.link) if handshake.link else None
        return Connected(
            adopted.account,
            adopted.token,
            adopted.checks,
            handshake.via,
            asked_by=link.asked_by if link else None,
        )

    def _oauth(self, application: Application) -> OAuth:
        return self.adoption.oauth(application)

    # --- the end of a connection

    def disconnect(self, name: str, *, by: str) -> Account:
        """Forget the account's tokens. What it has accepted stays, and waits."""
        core = self.adoption
        with core.alone_with(name):
            account = self.registry.account(name)
            if account is None:
                raise Refused(f"There is no account {name!r}.")
            core.ledger.hold(name, HoldReason.RECONNECT, by=by, note="disconnected by an operator")
            core.vault.forget(name)
            account = dataclasses.replace(account, disconnected_at=timestamp(self.now()))
            self.registry.save_account(account)
            return account

    def claim_ownership(self, name: str) -> None:
        """Make this installation the one that keeps the account's tokens fresh."""
        core = self.adoption
        try:
            core.vault.claim_ownership(name)
        except TokenError as error:
            raise Refused(f"{error}.") from error
        core.ledger.lift(name, HoldReason.RECONNECT)
        core.notify_workers(name)


def check_name(name: str) -> None:
    """Raise `Refused` unless `name` can be an account's name."""
    if not NAME.fullmatch(name):
        raise Refused(
            f"{name!r} cannot be an account's name: at most 40 letters of a to z, digits, and"
            " . - _, the first of them a letter or digit."
        )


def _failed(handshake: Handshake, error: Refused) -> Ending:
    kept = error.kept if isinstance(error, AnotherAccount) else None
    return Ending(handshake.account, connected=False, sentence=str(error), kept=kept)
