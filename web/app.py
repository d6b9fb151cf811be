"""The web app: everything that one serving process consists of is put together here, once."""

import contextlib
import functools
import os
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

import redis
from flask import Flask, abort, request
from werkzeug.exceptions import HTTPException

from shared.accounts.account_services import make_account_services
from shared.doctor.doctor import make_doctor
from shared.domain.audit import Actor, Via, set_actor
from shared.domain.errors import LedgerUnavailable, Refused
from shared.domain.remembering import remembered
from shared.infrastructure.alert_services import make_services
from shared.infrastructure.celery_client import Publisher
from shared.infrastructure.email_syntax import check_email
from shared.infrastructure.redis_urls import connect as connect_redis
from shared.infrastructure.redis_urls import connect_async as connect_redis_async
from shared.infrastructure.sealing import Sealer
from shared.infrastructure.settings import RateLimit, Settings
from shared.infrastructure.timestamps import utc_now
from shared.ledger.ledger import Ledger
from shared.ledger.stores.fingerprints import Fingerprints, load_fingerprints
from shared.ledger.stores.form_counts import FormCounts
from shared.ledger.stores.registry import Registry
from shared.ledger.stores.stored_texts import forwarding
from shared.operations.factory import make_operations
from shared.operations.metrics import make_metrics_reader
from shared.operations.operations import Operations
from shared.operations.operator_keys import OperatorKeys
from shared.operations.operator_list import OperatorList
from shared.operations.operators import Operators
from shared.operations.people import PersonalData, make_personal_data
from shared.operations.second_factors import make_second_factors
from shared.operations.second_steps import SecondSteps
from shared.operations.sessions import Sessions
from shared.operations.signup_search import SignupSearch
from shared.operations.status.report import make_status_reader
from web import connect_pages, health, metrics, root_page, security_txt
from web.api import routes as api
from web.api.guard import make_wrong_keys
from web.console import pages
from web.console.guard import set_up_sessions
from web.console.hashing_gate import HashingGate
from web.embed import routes as embed
from web.error_answers import http_error, unexpected_error
from web.own_hosts import check_host
from web.public_path import route_path
from web.request_ids import RequestIds
from web.security_headers import add_security_headers, transport_security
from web.server.bodies import BodyReader
from web.server.entrance import OTHER_LIMIT, Entrance
from web.server.files import FileSender
from web.server.flask_threads import FlaskThreads
from web.services import Services
from web.signup import routes
from web.signup.altcha_challenges import AltchaChallenges
from web.signup.consent_evidence import OurConsents
from web.signup.draining import Drainer, make_drainer
from web.signup.fast_path import FastPath
from web.signup.form_cache import FILE_NAME as FORMS_FILE
from web.signup.form_cache import FormCache
from web.signup.form_tallies import FormTallies
from web.signup.intake import Intake, KnownFingerprints
from web.signup.ledger_channel import LedgerChannel
from web.signup.notifier import WorkerNotifier
from web.signup.people_on_disk import SpooledPeople
from web.signup.redis_deadline import START_WAITS, VISITOR_WAITS, DeadlinePool, RedisDeadline
from web.signup.refused_requests import RefusedRequests, refused_limit
from web.signup.signup_ids import SignupIds
from web.signup.spool import Spool
from web.signup.spool_file import look_here
from web.signup.time_token import TimeTokens
from web.signup.visitor_counts import VisitorCounts
from web.translations.catalogues import Translations, load_translations
from web.translations.here import set_up_texts
from web.visitor_address import MisfitNotes, VisitorAddress

# Longer than most calls of the API take. An operator tries again if a sign-up is still being sent.
ERASING_WAITS = timedelta(seconds=5)
# Of Flask, and for its calls to Redis: each request makes one at a time. Sign-ups need none.
THREADS = 20
# Seconds. Shorter than VISITOR_WAITS, so that a thread of the pool is free again soon.
SOCKET_WAITS = 0.7


def create_app(settings: Settings) -> Flask:
    """Return the app for `settings`. Redis need not be there yet."""
    app = _make_flask()
    set_up_sessions(app, settings)
    app.extensions["relay"] = found = _make_services(settings)
    _begin(found)
    return app


def _make_flask() -> Flask:
    """Return what is the same for all settings: the routes, the templates and what they need."""
    app = Flask(__name__)
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 300
    # A redirect to the other spelling would lose what was posted.
    app.url_map.strict_slashes = False
    # The entrance has joined doubled slashes. A redirect would name the host in `Host`.
    app.url_map.merge_slashes = False
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    set_up_texts(app)
    for page in (
        root_page,
        routes,
        embed,
        connect_pages,
        health,
        metrics,
        security_txt,
        pages,
        api,
    ):
        app.register_blueprint(page.bp)
    app.before_request(_refuse_large_body)
    app.before_request(check_host)
    app.before_request(_begin_as_nobody)
    app.after_request(add_security_headers)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(Exception, unexpected_error)
    return app


def create_entrance(app: Flask) -> Entrance:
    """Return the ASGI app before `app`, for the process whose event loop runs it."""
    found: Services = app.extensions["relay"]
    prefix = urlsplit(found.settings.public_url).path
    roots = {rule.rule.split("/")[1] for rule in app.url_map.iter_rules()}
    channel = _open_channel(found)
    flask, files = FlaskThreads(app.wsgi_app, prefix=prefix, threads=THREADS), FileSender()

    async def close() -> None:
        await channel.close()
        flask.close()
        files.close()

    return Entrance(
        bodies=BodyReader(),
        fast_path=_make_fast_path(found, channel),
        flask=flask,
        files=files,
        gate=HashingGate(app, found.settings, clock=time.monotonic),
        route=remembered(longest=200)(functools.partial(route_path, prefix=prefix, roots=roots)),
        visitors=VisitorAddress(found.settings.trusted_proxies, found.misfits),
        refused=found.refused_requests,
        request_ids=RequestIds(
            SignupIds(os.urandom).new, trusted=found.settings.trusted_proxies > 0
        ),
        on_all=transport_security(found.settings),
        close=close,
    )


def _open_channel(found: Services) -> LedgerChannel:
    return LedgerChannel(
        # The channel has a deadline of its own, which is for all answers together.
        connect_redis_async(
            found.settings.redis_url, socket_timeout=None, socket_connect_timeout=0.3
        ),
        then=found.ledger.after_accept,
        waits=VISITOR_WAITS,
        timed_out=found.deadlines.timed_out,
        # Else a sign-up would overtake an earlier one on the disk. One look serves a whole batch.
        may_send=found.spool.surely_empty,
    )


def _make_fast_path(found: Services, channel: LedgerChannel) -> FastPath:
    return FastPath(
        forms=found.form_cache,
        intake=found.intake,
        ledger=found.ledger,
        channel=channel,
        redis_answers=found.deadlines.answers,
        translations=found.translations,
        public_url=found.settings.public_url,
    )


def _refuse_large_body() -> None:
    """Refuse a body of any length for all but forms, which have a limit of their own."""
    if request.endpoint != "forms.sign_up" and (request.content_length or 0) > OTHER_LIMIT:
        abort(413)


def _begin_as_nobody() -> None:
    """Forget who acted in this thread before. The console's guard knows more of its requests."""
    set_actor(Actor(None, Via.CONSOLE, request.remote_addr))


def _visitors_client(settings: Settings) -> "redis.Redis":
    return connect_redis(
        settings.redis_url, socket_timeout=SOCKET_WAITS, socket_connect_timeout=0.3
    )


def _make_services(settings: Settings) -> Services:
    client = _visitors_client(settings)
    # An operator who waits for Constant Contact can wait for Redis, too.
    patient = connect_redis(settings.redis_url, socket_timeout=5)
    notifier = WorkerNotifier(Publisher(settings).notify_workers, clock=time.monotonic)
    deadlines = DeadlinePool(threads=THREADS, clock=time.monotonic)
    spool = Spool(settings.spool_folder, limit=settings.spool_bytes, now=utc_now)
    tallies = _make_tallies(client)
    drainer = make_drainer(settings, spool, patient, notifier.notify_workers)
    translations = load_translations()
    ledger = Ledger(client, fsync=settings.accept_fsync)
    load = functools.partial(load_fingerprints, client, Sealer(settings.secret_keys))
    operators, keys = Operators(patient), OperatorKeys(client, now=utc_now)
    operations = make_operations(settings, patient, notifier.notify_workers)
    people = _make_people(settings, patient, spool, drainer)
    challenges = AltchaChallenges(settings.secret_keys, clock=time.time)
    tokens = TimeTokens(settings.secret_keys, clock=time.time)
    here = functools.partial(look_here, settings.spool_folder)
    intake = _make_intake(
        settings, ledger, spool, drainer, notifier, tallies, tokens, load, challenges, translations
    )
    return Services(
        settings=settings,
        deadlines=deadlines,
        form_cache=_make_form_cache(settings, client),
        form_tallies=tallies,
        ledger=ledger,
        altcha_challenges=challenges,
        intake=intake,
        spool=spool,
        time_tokens=tokens,
        check_ledger=load,
        accounts=make_account_services(settings, patient, notifier.notify_workers),
        operations=operations,
        people=people,
        search=_make_search(operations, people),
        translations=translations,
        status=make_status_reader(settings, patient, operations, here),
        operators=operators,
        operator_keys=keys,
        operator_list=OperatorList(operators, Sessions(patient, now=utc_now), keys),
        second_factors=make_second_factors(settings, patient, operators),
        second_steps=SecondSteps(patient, now=utc_now),
        sessions=Sessions(client, now=utc_now),
        alert_services=make_services(settings.alerts),
        doctor=make_doctor(settings),
        metrics=make_metrics_reader(settings, client, here),
        refused_requests=_refused_requests(settings),
        wrong_keys=make_wrong_keys(time.monotonic),
        misfits=MisfitNotes(forwarding(client), clock=time.monotonic, now=utc_now),
    )


def _make_form_cache(settings: Settings, client: "redis.Redis") -> FormCache:
    return FormCache(Registry(client), settings.data_dir / FORMS_FILE, clock=time.monotonic)


def _make_search(operations: Operations, people: PersonalData) -> SignupSearch:
    return SignupSearch(
        one_signup=operations.one_signup,
        people=people,
        status=operations.status,
        listed=operations.listed,
        targets=operations.targets,
    )


def _make_tallies(client: "redis.Redis") -> FormTallies:
    add = functools.partial(FormCounts(client).add, str(uuid.uuid4()))
    return FormTallies(add, clock=time.monotonic)


def _make_people(
    settings: Settings, client: "redis.Redis", spool: Spool, drainer: Drainer
) -> PersonalData:
    return make_personal_data(
        settings,
        client,
        SpooledPeople(spool, drainer),
        longest_sending=ERASING_WAITS,
        sleep=time.sleep,
    )


def _make_intake(
    settings: Settings,
    ledger: Ledger,
    spool: Spool,
    drainer: Drainer,
    notifier: WorkerNotifier,
    tallies: FormTallies,
    time_tokens: TimeTokens,
    load: Callable[[], Fingerprints],
    challenges: AltchaChallenges,
    translations: Translations,
) -> Intake:
    return Intake(
        ledger=ledger,
        fingerprints=KnownFingerprints(load),
        spool=spool,
        drain=drainer.wake,
        notify_workers=notifier.notify_workers,
        note_accepted=tallies.accepted,
        note_screened=tallies.screened,
        check_email=check_email,
        find_solution=challenges.solved,
        our_consents=OurConsents(translations),
        time_tokens=time_tokens,
        limit=settings.visitor_limit,
        person_limit=settings.person_limit,
        own_counts=_own_counts(settings.visitor_limit),
    )


def _begin(found: Services) -> None:
    """Bring what the process knows up to date, as far as Redis is there."""
    found.misfits.forget()
    # In a pool of its own: a slow start must not have visitors' calls fail at once.
    pool = DeadlinePool(threads=1, clock=time.monotonic)
    ask = RedisDeadline(pool, START_WAITS.total_seconds(), time.monotonic).ask
    found.form_cache.refresh(ask)
    with contextlib.suppress(LedgerUnavailable, Refused):  # the first sign-up tries again
        ask(found.intake.fingerprints)
    if found.spool.exists():
        found.intake.drain()


def _refused_requests(settings: Settings) -> RefusedRequests:
    limit = settings.visitor_limit
    most = refused_limit(limit, settings.web_processes) if limit else None
    return RefusedRequests(most, clock=time.monotonic)


def _own_counts(limit: RateLimit | None) -> VisitorCounts | None:
    return VisitorCounts(limit, clock=time.monotonic) if limit else None
