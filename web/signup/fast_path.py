"""The fast path: a usual sign-up, taken in the event loop with one round trip to Redis.

It takes what the view `sign_up` would take, with the same functions, and leaves everything else to
that view: errors, closed and unknown forms, large bodies, sign-ups that the disk must store. So it
has no case of its own.

Where its microseconds of CPU go: 2 to find out which page posted, 11 from bytes to names and
values, 20 to sort, clean and check them, 3 to screen them, 4 for the evidence of consent, 10 for
fingerprints, 10 for the script's arguments, 15 to 60 for the round trip (the fewer, the more
sign-ups wait with it), 8 for counts and the answer. Granian and the entrance before it take 65.
docs/performance.md has more.
"""

from collections.abc import Callable
from dataclasses import dataclass

from shared.domain.errors import InvalidSignup, KeyReused, LedgerUnavailable, VisitorLimited
from shared.domain.form import Form
from shared.ledger.ledger import Ledger
from web.request_ids import RequestId
from web.security_headers import security_headers
from web.signup.checked_signup import CheckedSignup
from web.signup.cors import cors_headers
from web.signup.form_cache import FormCache
from web.signup.intake import Intake
from web.signup.ledger_channel import HeldBack, LedgerChannel
from web.signup.origins import Source, first_page, source_of
from web.signup.reading.body_kind import UnreadableRequest
from web.signup.reading.head import Head
from web.signup.reading.request_body import Posted, read_posted
from web.signup.receipt import HttpAnswer, receipt
from web.signup.visitors import visitor_of
from web.translations.catalogues import Translations

# Reading a larger one may take milliseconds, in which the loop answers nobody.
LARGEST_BODY = 8 * 1024


@dataclass(frozen=True, slots=True)
class NotStored:
    """The ledger did not confirm the sign-up, for a reason that the view knows how to answer.

    The view need not ask Redis again, which may have used up the visitor's time. While the ledger
    is away, the disk stores the sign-up, under the same id.
    """

    form: Form
    signup: CheckedSignup
    why: LedgerUnavailable | KeyReused | VisitorLimited


@dataclass(kw_only=True)
class FastPath:
    """`redis_answers` says whether Redis has answered in time lately."""

    forms: FormCache
    intake: Intake
    ledger: Ledger
    channel: LedgerChannel
    redis_answers: Callable[[], bool]
    translations: Translations
    public_url: str

    async def take(
        self, name: str, head: Head, body: bytes, *, address: str, request: RequestId
    ) -> HttpAnswer | NotStored | None:
        """Return the answer to a sign-up for the form `name`; None if the view must give it.

        `address` is the visitor's, `request` the id of this request.
        """
        if head.query or len(body) > LARGEST_BODY or not self.redis_answers():
            return None
        form = self.forms.fresh(name)
        if form is None or not form.enabled or form.captcha != "none":
            return None  # to check a proof of work takes a millisecond
        try:
            return await self._take(form, head, body, address, request)
        except (UnreadableRequest, InvalidSignup, HeldBack):
            return None

    async def _take(
        self, form: Form, head: Head, body: bytes, address: str, request: RequestId
    ) -> HttpAnswer | NotStored | None:
        source = source_of(head, self.public_url)
        if not source.may_post(form):
            return None
        posted = read_posted(head, body)
        source = first_page(source, posted)
        visitor = visitor_of(form, head, source, posted, address=address)
        key = head.headers.get("idempotency-key") or None
        signup = self.intake.check(form, posted, visitor, idempotency_key=key, request=request)
        details = self.intake.accept_details(signup, visitor)
        if details is None:
            return None
        try:
            answers = await self.channel.run(self.ledger.accept_call(signup.submission, **details))
            accepted = self.ledger.read_accepted(answers)
        except (LedgerUnavailable, KeyReused, VisitorLimited) as why:
            return NotStored(form, signup, why)
        self.intake.note(form, signup, accepted)
        return self._answer(accepted.id, form, posted, source, head)

    def _answer(
        self, id: str, form: Form, posted: Posted, source: Source, head: Head
    ) -> HttpAnswer:
        answer = receipt(
            id,
            form,
            posted,
            source=source,
            head=head,
            translations=self.translations,
            public_url=self.public_url,
        )
        more = cors_headers(form, source).items()
        return HttpAnswer(answer.status, [*answer.headers, *_SECURITY, *more], answer.body, id)


_SECURITY = tuple({**security_headers(), "Cache-Control": "no-store", "Vary": "Origin"}.items())
