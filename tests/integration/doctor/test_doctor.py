"""The doctor with a real Redis and the sandbox; each test breaks one thing."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import redis

from shared.accounts.account_services import AccountServices
from shared.constant_contact.applications import Application
from shared.constant_contact.factory import make_applications, make_vault
from shared.doctor.doctor import make_doctor, summary
from shared.doctor.instance_header import HEADER, instance_digest
from shared.domain.account import Account, HoldReason
from shared.domain.check import Check, CheckResult
from shared.domain.errors import LedgerUnavailable, Refused
from shared.domain.form import CustomField, ListRef
from shared.infrastructure.settings import Settings
from shared.ledger.ledger import Ledger
from shared.ledger.redis_server.server_inspection import clock_ahead, find_overdue
from shared.ledger.spools import SpoolFigures, damaged_name
from shared.ledger.stores.registry import Registry
from tests.support import builders, connections
from tests.support.builders import NOON
from tests.support.ports import free_port
from tests.support.redis_settings import configured
from tests.support.sandbox_server import SandboxServer
from tests.support.valkey_server import ValkeyServer
from tests.support.web_page import WebPage

OK, PROBLEM, UNKNOWN = CheckResult.OK, CheckResult.PROBLEM, CheckResult.UNKNOWN
WITHIN = timedelta(seconds=40)
NEWSLETTER = "Newsletter"
STAGING = instance_digest("staging")


@pytest.fixture
def page(live_settings: Settings) -> Iterator[WebPage]:
    """A server at the public address that answers as `relay web` of this installation does."""
    with WebPage() as page:
        page.headers = {HEADER: instance_digest(live_settings.instance)}
        yield page


@pytest.fixture
def our_settings(live_settings: Settings, page: WebPage) -> Settings:
    return replace(live_settings, public_url=page.url)


@pytest.fixture
def well(
    our_settings: Settings,
    tools: AccountServices,
    sandbox: SandboxServer,
    redis_client: "redis.Redis",
) -> Settings:
    """A healthy installation: a connected account with a form, a live worker, a live beat."""
    connections.connect(tools.connecting, sandbox)
    (newsletter,) = [each for each in tools.api.lists("acme").lists if each.name == NEWSLETTER]
    form = builders.form(lists=(ListRef(newsletter.id, NEWSLETTER),), custom_fields=())
    Registry(redis_client).save_form(form)
    ledger = Ledger(redis_client)
    ledger.processes.worker_alive("worker-1")
    ledger.processes.beat_alive("beat-1")
    return our_settings


def examine(settings: Settings, *names: str, refresh: bool = False) -> list[Check]:
    return make_doctor(settings).examine(names, refresh=refresh, within=WITHIN)


def one(checks: list[Check], name: str) -> Check:
    (found,) = [check for check in checks if check.name == name]
    return found


def wrong(checks: list[Check]) -> dict[str, CheckResult]:
    """Return the verdicts that are not OK, by name."""
    return {check.name: check.verdict for check in checks if check.verdict != OK}


def test_where_all_is_well_every_check_is_a_tick(well: Settings) -> None:
    checks = examine(well)
    assert wrong(checks) == {}
    assert {"redis", "redis_version", "broker", "workers", "public_url", "constant_contact"} <= {
        check.name for check in checks if check.account is None
    }
    assert {"connection", "tokens", "privileges", "lists", "form_lists", "holds", "waiting"} <= {
        check.name for check in checks if check.account == "acme"
    }
    assert summary(checks) == f"No problem in {len(checks)} checks."


def test_each_checks_name_is_reported_once_for_the_installation_and_each_account(
    well: Settings,
) -> None:
    checked = [(check.account, check.name) for check in examine(well, refresh=True)]
    assert len(set(checked)) == len(checked)


def test_it_changes_nothing_but_what_it_is_asked_to(well: Settings, sandbox: SandboxServer) -> None:
    before = sandbox.stats()["refresh_calls"]
    examine(well)
    assert sandbox.stats()["refresh_calls"] == before
    checks = examine(well, refresh=True)
    assert sandbox.stats()["refresh_calls"] == before + 1
    assert one(checks, "refresh").verdict == OK


def test_only_the_accounts_that_are_named_are_checked(
    well: Settings, tools: AccountServices, sandbox: SandboxServer
) -> None:
    connections.connect(tools.connecting, sandbox, "books", organization=connections.OTHER)
    assert {check.account for check in examine(well)} == {None, "acme", "books"}
    assert {check.account for check in examine(well, "books")} == {None, "books"}
    with pytest.raises(Refused, match="Known accounts: acme, books"):
        examine(well, "nobody")


# --- Redis


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[ValkeyServer]:
    """A server to break."""
    with ValkeyServer(tmp_path / "own") as server:
        yield server
        server.thaw()


@pytest.fixture
def there(our_settings: Settings, own_server: ValkeyServer) -> Settings:
    """Settings for that server, which is empty."""
    return replace(our_settings, redis_url=own_server.url(), broker_url=own_server.url(1))


@pytest.mark.parametrize(
    ("option", "value", "name"),
    [
        ("appendonly", "no", "redis_durability"),
        ("appendfsync", "no", "redis_durability"),
        ("maxmemory-policy", "allkeys-lru", "redis_eviction"),
        ("maxmemory", "1mb", "redis_memory"),
        ("replicaof", "127.0.0.1 9", "redis_role"),
    ],
)
def test_a_server_that_is_set_up_wrong(
    there: Settings, own_server: ValkeyServer, option: str, value: str, name: str
) -> None:
    assert wrong(examine(there)).get(name) is None
    with own_server.client() as client:
        client.config_set(option, value) if option != "replicaof" else client.replicaof(
            *value.split()
        )
    assert one(examine(there), name).verdict == PROBLEM


def test_a_replica_can_still_be_checked(there: Settings, own_server: ValkeyServer) -> None:
    with own_server.client() as client:
        client.replicaof("127.0.0.1", "9")
    found = wrong(examine(there))
    assert found["redis_role"] == PROBLEM
    assert "redis" not in found


def test_waiting_for_the_disk_needs_the_append_only_file(
    there: Settings, own_server: ValkeyServer
) -> None:
    patient = replace(there, accept_fsync=True)
    assert one(examine(patient), "accept_fsync").verdict == OK
    with own_server.client() as client:
        client.config_set("appendonly", "no")
    assert one(examine(patient), "accept_fsync").verdict == PROBLEM


def test_a_managed_server_that_does_not_tell_is_unknown(
    there: Settings, own_server: ValkeyServer
) -> None:
    with own_server.client() as client:
        client.acl_setuser(
            "managed",
            enabled=True,
            passwords=["+only-for-tests"],
            keys=["*"],
            channels=["*"],
            categories=["+@all"],
            commands=["-info", "-config", "-waitaof"],
        )
    managed = replace(
        there,
        redis_url=f"redis://managed:only-for-tests@127.0.0.1:{own_server.port}/0",
        accept_fsync=True,
    )
    checks = examine(managed)
    for name in ("redis_version", "redis_durability", "redis_eviction", "accept_fsync"):
        check = one(checks, name)
        assert check.verdict == UNKNOWN, name
    fix = one(checks, "redis_durability").fix
    assert fix is not None and "appendonly yes" in fix
    assert one(checks, "redis").verdict == OK


def test_the_same_database_for_ledger_and_broker_is_seen_by_whatever_name(
    there: Settings, own_server: ValkeyServer
) -> None:
    twice = replace(there, broker_url=own_server.url().replace("127.0.0.1", "localhost"))
    assert one(examine(twice), "broker").verdict == PROBLEM


def test_a_broker_that_is_away_is_reported(there: Settings) -> None:
    alone = replace(there, broker_url=f"redis://127.0.0.1:{free_port()}/1")
    assert one(examine(alone), "broker").verdict == PROBLEM


@pytest.mark.impatient
@pytest.mark.parametrize("gone", ["stopped", "frozen"])
def test_without_redis_it_says_so_first_and_checks_the_rest(
    there: Settings, own_server: ValkeyServer, gone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Half a second is little for the broker's check on a busy machine, and would leave it unknown.
    monkeypatch.setattr("shared.doctor.doctor._AWAY_WITHIN", timedelta(seconds=10))
    own_server.stop() if gone == "stopped" else own_server.freeze()
    began = time.monotonic()
    checks = examine(there)
    assert time.monotonic() - began < 20
    assert (checks[0].name, checks[0].verdict) == ("redis", PROBLEM)
    assert own_server.url() not in checks[0].found
    found = wrong(checks)
    assert found == {"redis": PROBLEM, "broker": PROBLEM, "accounts": UNKNOWN}
    seen = {check.name for check in checks}
    assert {"public_url", "constant_contact", "authorization_url", "clock"} <= seen


def test_without_redis_what_running_in_public_needs_is_checked_as_far_as_possible(
    there: Settings, own_server: ValkeyServer
) -> None:
    own_server.stop()
    began = time.monotonic()
    checks = make_doctor(there).examine(deploy=True, within=WITHIN)
    assert time.monotonic() - began < 20
    assert checks[0].name == "redis"
    seen = {check.name for check in checks}
    assert {"https", "secret_strength", "heartbeat", "disk", "public_url"} <= seen
    assert not {"operators", "backups", "redis_password"} & seen


class Asked(Registry):
    """Fails as if Redis went away when asked for the accounts, and remembers that."""

    asked = False

    def accounts(self) -> list[Account]:
        self.asked = True
        raise LedgerUnavailable("Redis: ConnectionError")


def test_where_redis_goes_away_after_its_first_answer_the_rest_is_checked(
    our_settings: Settings, redis_client: "redis.Redis"
) -> None:
    doctor = replace(make_doctor(our_settings), registry=Asked(redis_client))
    checks = doctor.examine(within=WITHIN)
    assert wrong(checks) == {"redis": PROBLEM, "accounts": UNKNOWN}


def test_a_redis_that_is_away_is_not_waited_for_again(
    there: Settings, own_server: ValkeyServer
) -> None:
    own_server.stop()
    registry = Asked(own_server.client())
    replace(make_doctor(there), registry=registry).examine(within=WITHIN)
    assert not registry.asked


def test_a_clock_that_differs_from_redis_is_reported(redis_client: "redis.Redis") -> None:
    ahead = clock_ahead(redis_client, lambda: NOON)
    seconds, _ = redis_client.time()
    assert abs(ahead.total_seconds() - (int(seconds) - NOON.timestamp())) < 5


# --- what runs, and the secret key


def test_without_workers_and_beat_nothing_flows(
    well: Settings, redis_client: "redis.Redis"
) -> None:
    redis_client.delete("relay:workers", "relay:beats")
    assert wrong(examine(well)) == {"workers": PROBLEM, "beat": PROBLEM}


def test_a_wrong_secret_key_is_reported_with_what_it_does_not_open(well: Settings) -> None:
    check = one(examine(replace(well, secret_keys=("quite another secret",))), "secret_key")
    assert check.verdict == PROBLEM
    assert "the tokens of acme" in check.found


def test_a_key_that_is_being_changed_is_reported_with_the_next_step(well: Settings) -> None:
    both = replace(well, secret_keys=("quite another secret", *well.secret_keys))
    check = one(examine(both), "secret_key")
    assert check.verdict == OK
    assert check.fix and "relay rotate-secrets" in check.fix


def test_a_short_secret_key_is_advice(well: Settings) -> None:
    check = one(examine(replace(well, secret_keys=(*well.secret_keys, "short"))), "settings")
    assert check.verdict == OK
    assert check.fix and "RELAY_SECRET_KEY" in check.fix


# --- over the network


def test_nothing_at_the_public_address(well: Settings) -> None:
    nowhere = replace(well, public_url=f"http://127.0.0.1:{free_port()}")
    assert wrong(examine(nowhere)) == {"public_url": PROBLEM}


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        pytest.param(301, {"Location": "https://signup.example/"}, b"", id="a redirect"),
        pytest.param(200, {}, b"<h1>It works!</h1>", id="another web server"),
        pytest.param(502, {}, b"", id="a proxy with nothing behind it"),
        pytest.param(
            200, {HEADER: instance_digest("staging")}, b'{"ok": true}', id="another installation"
        ),
    ],
)
def test_something_else_at_the_public_address(
    well: Settings, page: WebPage, status: int, headers: dict[str, str], body: bytes
) -> None:
    page.status, page.headers, page.body = status, headers, body
    assert wrong(examine(well)) == {"public_url": PROBLEM}


def test_an_api_that_cannot_be_reached(well: Settings, redis_client: "redis.Redis") -> None:
    cut_off = replace(well, api_url=f"http://127.0.0.1:{free_port()}/v3")
    make_vault(cut_off, redis_client).move("acme")
    found = wrong(examine(cut_off))
    assert found["constant_contact"] == PROBLEM
    assert found["privileges"] == UNKNOWN


def test_an_api_that_fails_for_a_while_is_no_problem_of_the_account(
    well: Settings, sandbox: SandboxServer
) -> None:
    sandbox.control(path="/v3", status=503)
    try:
        assert wrong(examine(well)) == {"constant_contact": PROBLEM, "privileges": UNKNOWN}
    finally:
        sandbox.clear()


def test_an_api_key_that_nobody_knows(well: Settings) -> None:
    wrong_key = replace(well, client_id="unknown-key")
    assert one(examine(wrong_key), "authorization_url").verdict == PROBLEM


def test_a_server_that_refuses_what_is_written(well: Settings, redis_client: "redis.Redis") -> None:
    with configured(redis_client, "min-replicas-to-write", 3):
        check = one(examine(well), "redis_role")
    assert check.verdict == PROBLEM
    assert "too few replicas are connected (NOREPLICAS)" in check.found


# --- web's disk


def test_a_spool_that_is_damaged_cannot_be_written_or_is_not_emptied(
    well: Settings, redis_client: "redis.Redis"
) -> None:
    well.data_dir.mkdir(parents=True, exist_ok=True)
    well.spool_folder.write_text("a file where the folder should be")
    assert one(examine(well), "spool").fix is not None
    well.spool_folder.unlink()
    damaged_name(well.spool_folder, NOON).mkdir()
    figures = SpoolFigures(count=3, bytes=900, oldest=None, refused=3)
    Ledger(redis_client).spools.note("id", "web-1", figures)
    checks = examine(well)
    assert wrong(checks) == {"spool": PROBLEM, "spooled": PROBLEM}
    assert "spool.damaged-" in one(checks, "spool").found


# --- accounts


def test_a_form_that_names_a_deleted_list(
    well: Settings, sandbox: SandboxServer, redis_client: "redis.Redis"
) -> None:
    sandbox.control(delete_list=NEWSLETTER)
    Registry(redis_client).save_form(builders.form("another accounts", account="books"))
    checks = examine(well)
    assert wrong(checks) == {"form_lists": PROBLEM}
    check = one(checks, "form_lists")
    assert (check.account, check.title) == ("acme", "Form news")
    assert NEWSLETTER in check.found


def test_a_form_that_sends_a_custom_field_that_is_not_there(
    well: Settings, redis_client: "redis.Redis"
) -> None:
    registry = Registry(redis_client)
    form = registry.form("news")
    assert form is not None
    field = CustomField("7f1d1c1e-0000-4000-8000-000000000001", "favourite_cake", "Cake")
    registry.save_form(replace(form, custom_fields=(field,)))
    checks = examine(well)
    assert wrong(checks) == {"form_fields": PROBLEM}
    assert "favourite_cake" in one(checks, "form_fields").found


def test_a_login_that_may_not_write_contacts(well: Settings, sandbox: SandboxServer) -> None:
    sandbox.control(privileges={"remove": ["contacts:write"]})
    assert wrong(examine(well)) == {"privileges": PROBLEM}


def test_a_login_that_may_not_read_lists(well: Settings, sandbox: SandboxServer) -> None:
    sandbox.control(privileges={"remove": ["contacts:lists:read"]})
    assert wrong(examine(well)) == {"lists": PROBLEM}


def test_an_application_of_its_own_is_checked_as_well(
    well: Settings, redis_client: "redis.Redis"
) -> None:
    registry = Registry(redis_client)
    account = registry.account("acme")
    assert account is not None
    make_applications(well, redis_client).keep(Application("gone-key", "its-secret"))
    registry.save_account(replace(account, client_id="gone-key"))
    found = [check for check in examine(well) if check.name == "authorization_url"]
    assert [(check.account, check.verdict) for check in found] == [(None, OK), ("acme", PROBLEM)]


def test_a_revoked_connection_is_reported_once(
    well: Settings, tools: AccountServices, sandbox: SandboxServer
) -> None:
    sandbox.control(revoke="all")
    examine(well)  # a 401, a refresh: now it is known
    found = wrong(examine(well))
    assert found["connection"] == PROBLEM
    assert found == {"connection": PROBLEM, "privileges": UNKNOWN}


def test_a_refresh_that_fails_is_reported(well: Settings, sandbox: SandboxServer) -> None:
    sandbox.control(path="/oauth2/default/v1/token", status=503)
    try:
        checks = examine(well, refresh=True)
        assert one(checks, "refresh").verdict == PROBLEM
        check = one(examine(well), "tokens")
    finally:
        sandbox.clear()
    assert check.verdict == PROBLEM
    assert "failed once" in check.found


def test_tokens_that_nobody_refreshes(well: Settings, redis_client: "redis.Redis") -> None:
    eager = replace(well, token_refresh=timedelta(milliseconds=1))
    key = "relay:{acme}:tokens"
    eleven_minutes = 11 * 60 * 1000
    received = int(redis_client.hget(key, "received_at") or 0)
    redis_client.hset(key, "received_at", received - eleven_minutes)
    assert wrong(examine(eager)) == {"tokens": PROBLEM}


def test_a_copy_of_another_installation(well: Settings, redis_client: "redis.Redis") -> None:
    redis_client.hset(
        "relay:{acme}:tokens", mapping={"instance": "production", "server": "there/0"}
    )
    checks = examine(well)
    assert wrong(checks) == {"connection": PROBLEM}
    assert "production" in one(checks, "connection").found


def test_a_disconnected_account_is_not_asked_about(well: Settings, tools: AccountServices) -> None:
    tools.connecting.disconnect("acme", by="ada")
    checks = examine(well)
    assert wrong(checks)["connection"] == PROBLEM
    assert "privileges" not in {check.name for check in checks}


def test_each_hold_is_reported_with_what_to_do(well: Settings, redis_client: "redis.Redis") -> None:
    ledger = Ledger(redis_client)
    ledger.hold("acme", HoldReason.FORBIDDEN, by="answer", note="contacts:write is missing")
    ledger.hold("acme", HoldReason.PAUSED, by="ada", note="holidays")
    holds = [check for check in examine(well) if check.name == "holds"]
    assert [check.verdict for check in holds] == [PROBLEM, OK]
    assert [check.fix is not None for check in holds] == [True, True]
    assert "contacts:write is missing" in holds[0].found
    assert holds[1].fix == "To end the pause, run: relay release acme"


def test_an_account_that_disappears_meanwhile_stops_no_other(
    well: Settings, tools: AccountServices, redis_client: "redis.Redis"
) -> None:
    redis_client.hset("relay:accounts", "broken", '{"name": "broken"}')
    assert wrong(examine(well)) == {"records_account": PROBLEM}
    redis_client.hdel("relay:accounts", "broken")
    redis_client.set("relay:{acme}:tokens", "of the wrong type")
    checks = examine(well)
    assert wrong(checks)["connection"] == UNKNOWN
    assert one(checks, "workers").verdict == OK


# --- sign-ups that wait


def test_a_sign_up_that_nobody_claims_is_reported(
    well: Settings, redis_client: "redis.Redis"
) -> None:
    ledger = Ledger(redis_client)
    accepted = builders.accept(ledger)
    assert one(examine(well), "waiting").verdict == OK
    six_minutes = 6 * 60 * 1000
    redis_client.zincrby("relay:{acme}:due:fresh", -six_minutes, accepted.id)
    redis_client.delete("relay:{acme}:succeeded-at")
    # A read from Constant Contact would count as a success, so it must fail here.
    cut_off = replace(well, api_url=f"http://127.0.0.1:{free_port()}/v3")
    assert one(examine(cut_off), "waiting").verdict == PROBLEM


def test_sign_ups_beyond_a_persons_limit_are_named(
    well: Settings, redis_client: "redis.Redis"
) -> None:
    ledger = Ledger(redis_client)
    builders.accept(ledger, quarantine="honeypot")
    assert one(examine(well), "repeated_addresses").fix is None
    builders.accept(ledger, quarantine="repeated_address")
    assert one(examine(well), "repeated_addresses").found.startswith("1 of the latest")


def test_what_is_claimed_or_retried_later_is_not_overdue(redis_client: "redis.Redis") -> None:
    ledger = Ledger(redis_client)
    assert find_overdue(redis_client, "acme").since is None
    Registry(redis_client).save_account(builders.account())
    builders.accept(ledger)
    overdue = find_overdue(redis_client, "acme")
    assert overdue.since is not None and overdue.since < timedelta(seconds=30)
    builders.claimed(ledger)
    assert find_overdue(redis_client, "acme").since is None
    ledger.pace.rest("acme", timedelta(minutes=2), slower_for=timedelta())
    assert timedelta(minutes=1) < find_overdue(redis_client, "acme").rest <= timedelta(minutes=2)


def test_no_result_contains_a_secret(well: Settings, sandbox: SandboxServer) -> None:
    secrets = [*well.secret_keys, well.client_secret, "only-for-tests"]
    sandbox.control(revoke="access")
    for settings in (well, replace(well, secret_keys=("quite another secret",))):
        checked = " ".join(str(check.to_dict()) for check in examine(settings, refresh=True))
        assert not [secret for secret in secrets if secret in checked]


def test_every_request_to_the_api_takes_a_slot_of_the_pace(
    well: Settings, sandbox: SandboxServer, redis_client: "redis.Redis"
) -> None:
    ledger = Ledger(redis_client)
    granted, counted = ledger.pace.used_today(well.client_id), sandbox.stats()["requests_today"]

    examine(well)

    sent = sandbox.stats()["requests_today"] - counted
    assert sent >= 3
    assert ledger.pace.used_today(well.client_id) - granted == sent
