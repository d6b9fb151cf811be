"""The command line as scripts and operators use it: what it prints, and its exit status."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import redis

from shared.domain.consent_texts import text_version
from shared.domain.short_ids import short_id
from shared.domain.signup import DeathReason
from shared.ledger import keys
from shared.ledger.ledger import Ledger
from shared.operations.snippets.snippet import SnippetKind
from tests.support import builders
from tests.support.builders import accept, attempt, claimed
from tests.support.command_line import CommandLine


@pytest.fixture
def ledger(redis_client: "redis.Redis") -> Ledger:
    return Ledger(redis_client)


def bury(
    ledger: Ledger,
    email: str,
    reason: DeathReason = DeathReason.REJECTED,
    person: str | None = None,
) -> str:
    return builders.bury(
        ledger,
        email,
        person=person,
        sent=attempt(400, message="no such thing", tracking_id="t-1"),
        reason=reason,
        error_key="contacts.api.validation.error",
        message="HTTP 400: no such thing",
    )


# --- status


def test_status_of_an_empty_ledger_says_how_to_begin(run: CommandLine) -> None:
    assert "relay connect NAME" in run("status").out
    assert "accounted for" not in run("status").out
    status = run("status", "--json").json
    assert status["accounts"] == []
    assert (status["workers"], status["beat_age_seconds"]) == (0, None)
    assert status["memory"]["used"] > 0
    assert (status["spooled"], status["spools"]) == (0, [])
    assert status["quota"]["limit"] == 10_000
    assert status["quota"]["resets_at"].endswith("T00:00:00Z")


def test_status_counts_and_shows_tokens(connected: CommandLine, ledger: Ledger) -> None:
    bury(ledger, "a@example.com")
    accept(ledger, "b@example.com")
    (account,) = connected("status", "--json").json["accounts"]
    assert (account["name"], account["organization"]) == ("acme", "Acme Bakery")
    assert (account["accepted"], account["due"], account["dead"]) == (2, 1, 1)
    assert account["oldest_due_seconds"] >= 0
    assert account["hold"] is None
    assert account["token"]["expires_at"].endswith("Z")
    assert account["token"]["scopes"] == ["account_read", "contact_data", "offline_access"]
    assert "Failed: 1" in connected("status").out


def test_status_says_whether_anything_is_lost(
    connected: CommandLine, ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    bury(ledger, "a@example.com")
    accept(ledger, "b@example.com")
    told = connected("status").out
    assert "Every one of 2 accepted sign-ups is accounted for. None is lost.\n" in told
    sums = "0 delivered + 1 waiting + 1 failed + 0 quarantined + 0 discarded"
    assert f"2 accepted = {sums}\n" in told
    none = {"delivered": 0, "discarded": 0, "quarantined": 0}
    even = connected("status", "--json").json["balance"]
    assert even == {"accepted": 2, "due": 1, "dead": 1, **none, "uneven": []}
    redis_client.hincrby(f"{keys.account('acme')}totals", "due", -1)
    assert connected("status", "--json").json["balance"]["uneven"] == ["acme"]
    assert "The counts of acme do not add up." in connected("status").out


# --- forms


def test_a_form_is_added_shown_disabled_and_removed(connected: CommandLine) -> None:
    added = connected(
        *("forms", "add", "cakes", "--account", "acme", "--list", "Newsletter"),
        *("--field", "favourite_cake", "--origin", "https://example.com"),
    )
    assert added.status == 0
    shown = connected("forms", "show", "cakes", "--json").json
    assert [found["name"] for found in shown["lists"]] == ["Newsletter"]
    assert [field["name"] for field in shown["custom_fields"]] == ["favourite_cake"]
    assert shown["unsubscribed"] == "resubscribe"
    assert connected("forms", "disable", "cakes").status == 0
    assert connected("forms", "show", "cakes", "--json").json["enabled"] is False
    assert connected("forms", "remove", "cakes", "--yes").status == 0
    assert [form["name"] for form in connected("forms", "list", "--json").json] == ["news"]
    assert connected("forms", "show", "cakes").status == 1


def test_a_form_may_ask_who_had_unsubscribed(connected: CommandLine) -> None:
    add = ("forms", "add", "cakes", "--account", "acme", "--list", "Newsletter")
    assert connected(*add, "--unsubscribed", "ask").status == 0
    found = connected("forms", "list", "--json").json
    assert [each["failed"] for each in found] == [0, 0]
    assert {each["name"]: each["unsubscribed"] for each in found} == {
        "cakes": "ask",
        "news": "resubscribe",
    }
    assert "ask" in connected("forms", "show", "cakes").out
    assert connected(*add, "--unsubscribed", "perhaps", "--replace").status == 2


def test_a_form_sends_where_sign_ups_came_from(connected: CommandLine) -> None:
    add = ("forms", "add", "cakes", "--account", "acme", "--list", "Newsletter")
    sources = ("--source", "utm_campaign=found_us_by", "--source", "page=Birthday note")
    assert connected(*add, *sources).status == 0
    shown = connected("forms", "show", "cakes", "--json").json["sources"]
    assert [(each["source"], each["field"]["name"]) for each in shown] == [
        ("utm_campaign", "found_us_by"),
        ("page", "birthday_note"),
    ]
    told = connected("forms", "show", "cakes").out
    assert "utm_campaign to Found us by, page to Birthday note" in told


def test_a_form_has_texts_colours_and_a_spam_threshold_of_its_own(connected: CommandLine) -> None:
    add = ("forms", "add", "cakes", "--account", "acme", "--list", "Newsletter")
    own = {
        "language": "de",
        "button": "Anmelden",
        "success": "Danke!",
        "accent": "#c2185b",
        "background": "#fff8e1",
    }
    options = [word for name, value in own.items() for word in (f"--{name}", value)]
    assert connected(*add, *options, "--spam-threshold", "0").status == 0
    shown = connected("forms", "show", "cakes", "--json").json
    assert {name: shown[name] for name in own} == own
    assert shown["spam_threshold"] == 0
    told = connected("forms", "show", "cakes").out
    for words in ("German", "Anmelden", "Danke!", "#c2185b", "#fff8e1", "off"):
        assert words in told
    assert connected(*add, "--replace").status == 0
    assert connected("forms", "show", "cakes", "--json").json["spam_threshold"] == 10
    assert connected(*add, "--replace", "--language", "xx").status == 2


def test_a_form_may_ask_for_a_proof_of_work(connected: CommandLine) -> None:
    add = ("forms", "add", "cakes", "--account", "acme", "--list", "Newsletter")
    added = connected(*add, "--captcha", "altcha")
    assert added.status == 0
    assert "<altcha-widget challenge=" in added.out
    assert "must have its box" in added.out and "paste them again" not in added.out
    assert connected("forms", "show", "cakes", "--json").json["captcha"] == "altcha"
    assert "ALTCHA" in connected("forms", "show", "cakes").out
    replaced = connected(*add, "--replace").out
    assert "widget" not in replaced
    assert "paste them again, as the box “I'm not a robot” is no longer needed" in replaced
    assert connected(*add, "--replace", "--captcha", "puzzle").status == 2


@pytest.fixture
def cakes(connected: CommandLine) -> dict[str, Any]:
    """A form with something in all that can be set."""
    added = connected(
        *("forms", "add", "cakes", "--account", "acme", "--list", "Newsletter"),
        *("--field", "favourite_cake", "--source", "page=birthday_note"),
        *("--redirect", "https://a.example/thanks", "--origin", "https://a.example"),
        *("--title", "Cakes", "--consent", "Write to me.", "--consent-box", "required"),
        *("--unsubscribed", "ask", "--language", "de", "--button", "Los", "--success", "Danke!"),
        *("--accent", "#c2185b", "--background", "#fff8e1", "--spam-threshold", "12"),
        *("--captcha", "altcha", "--json"),
    )
    assert added.status == 0, added.err
    document: dict[str, Any] = added.json
    del document["consent_texts"]  # have the moment, too
    return document


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        (["--title", "Tarts"], {"title": "Tarts"}),
        (["--consent-box", "none"], {"consent_box": "none"}),
        (["--spam-threshold", "0", "--button", ""], {"spam_threshold": 0, "button": ""}),
        (["--redirect", ""], {"redirect": None}),
        (["--field", ""], {"custom_fields": []}),
        (["--source", "", "--captcha", "none"], {"sources": [], "captcha": "none"}),
        (
            ["--origin", "https://a.example", "--origin", "https://b.example"],
            {"origins": ["https://a.example", "https://b.example"]},
        ),
        (["--account", "acme", "--accent", ""], {"accent": ""}),
    ],
)
def test_an_edit_changes_only_what_is_named(
    connected: CommandLine, cakes: dict[str, Any], options: list[str], changed: dict[str, Any]
) -> None:
    assert connected("forms", "disable", "cakes").status == 0
    edited = connected("forms", "edit", "cakes", *options, "--json")
    assert edited.status == 0, edited.err
    assert {name: edited.json[name] for name in cakes} == cakes | changed | {"enabled": False}
    assert connected("audit", "--json").json[0]["detail"] == {"changed": sorted(changed)}


def test_an_edit_says_which_copies_are_old(connected: CommandLine, cakes: dict[str, Any]) -> None:
    told = connected("forms", "edit", "cakes", "--button", "Anmelden").out
    assert "paste them again, as the button says something else" in told
    assert "paste" not in connected("forms", "edit", "cakes", "--spam-threshold", "9").out


@pytest.mark.parametrize(
    ("options", "status", "says"),
    [
        pytest.param([], 2, "Say what to change", id="nothing"),
        pytest.param(["--accent", "blue"], 2, "is no colour", id="a wrong value"),
        pytest.param(["--list", "Nowhere"], 1, "Newsletter", id="an unknown list"),
        pytest.param(["--list", ""], 1, "at least one list", id="no list"),
        pytest.param(["--account", "other"], 1, "other", id="an unknown account"),
    ],
)
def test_a_wrong_edit_changes_nothing(
    connected: CommandLine, cakes: dict[str, Any], options: list[str], status: int, says: str
) -> None:
    ended = connected("forms", "edit", "cakes", *options)
    assert (ended.status, says in ended.err) == (status, True), ended.err
    shown = connected("forms", "show", "cakes", "--json").json
    assert {name: shown[name] for name in cakes} == cakes
    assert connected("forms", "edit", "cake", "--title", "x").status == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--list", "Nowhere"], "Newsletter"),
        (["--list", "Newsletter", "--field", "no_such"], "favourite_cake"),
        (["--list", "Newsletter", "--origin", "example.com"], "https://"),
    ],
)
def test_a_wrong_list_field_or_origin_names_what_would_be_right(
    connected: CommandLine, options: list[str], says: str
) -> None:
    ended = connected("forms", "add", "x", "--account", "acme", *options)
    assert ended.status in (1, 2)
    assert says in ended.err


def test_a_new_form_is_printed_as_what_to_paste(connected: CommandLine) -> None:
    add = ("forms", "add", "cakes", "--account", "acme", "--list", "Newsletter")
    snippet = '<form method="post" action="https://signup.example.com/f/cakes"'
    assert snippet in connected(*add).out
    assert connected("snippet", "cakes").out.startswith(snippet)
    printed = connected("snippet", "cakes", "--json").json
    assert (printed["form"], printed["kind"]) == ("cakes", "form")
    plain = connected("snippet", "cakes")
    assert printed["snippet"] == plain.out
    assert "It has no style of its own: your website's applies." in plain.err
    assert "no style" not in connected("snippet", "cakes", "--js").err
    assert set(connected(*add, "--replace", "--json").json) >= {"name", "url"}


def test_a_snippet_has_the_public_address_with_its_path(connected: CommandLine) -> None:
    connected.set(RELAY_PUBLIC_URL="https://www.example.com/signup/")
    for kind in SnippetKind:
        options = [] if kind == "form" else [f"--{kind}"]
        printed = connected("snippet", "news", *options)
        assert "https://www.example.com/signup/f/news" in printed.out
        assert "embed.js" not in printed.out or "example.com/signup/embed.js" in printed.out
        # What the website has to allow is not to be pasted.
        policy = connected("snippet", "news", *options, "--json").json["content_security_policy"]
        assert ("https://www.example.com" in (policy or "")) == (kind != "curl")
        assert (policy or "") in printed.err and "Content-Security-Policy" not in printed.out


def test_a_snippet_has_the_language_of_its_form_or_page(connected: CommandLine) -> None:
    assert "_language" not in connected("snippet", "news").out
    spanish = connected("snippet", "news", "--language", "es").out
    assert 'name="_language" value="es"' in spanish and "Correo electrónico" in spanish
    add = ("forms", "add", "news", "--account", "acme", "--list", "Newsletter", "--replace")
    connected(*add, "--language", "de")
    german = connected("snippet", "news").out
    assert 'name="_language" value="de"' in german and "Mit der Anmeldung stimmen Sie" in german
    assert text_version(re.findall("<p>(Mit der Anmeldung.*)</p>", german)[0]) in german
    refused = connected("snippet", "news", "--language", "es")
    assert refused.status == 2 and "has the language de" in refused.err


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["nowhere"], 1, "The forms: news."),
        (["news", "--fetch", "--curl"], 2, "Choose one"),
        (["news", "--js", "--popup"], 2, "Choose one of --js, --popup, --fetch"),
        (["news", "--language", "auto"], 2, "--language"),
    ],
)
def test_a_wrong_snippet_is_none(
    connected: CommandLine, arguments: list[str], status: int, says: str
) -> None:
    ended = connected("snippet", *arguments)
    assert (ended.status, ended.out, says in ended.err) == (status, "", True)


# --- dead letters


def test_failed_list_has_what_scripts_read(connected: CommandLine, ledger: Ledger) -> None:
    id = bury(ledger, "a@example.com")
    (dead,) = connected("failed", "list", "--json").json
    assert {name: dead[name] for name in ("id", "account", "form", "email", "reason")} == {
        "id": id,
        "account": "acme",
        "form": "news",
        "email": "a@example.com",
        "reason": "rejected",
    }
    assert dead["error_key"] == "contacts.api.validation.error"
    assert (dead["message"], dead["attempts"]) == ("HTTP 400: no such thing", 1)
    assert dead["received_at"].endswith("Z")
    assert dead["died_at"].endswith("Z")
    assert id in connected("failed", "list").out


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ([], 2),
        (["--all"], 2),
        (["--account", "acme"], 2),
        (["--reason", "gave_up"], 1),
        (["--reason", "poison"], 0),
        (["--email", "A@Example.com"], 1),
        (["--since", "2001-01-01"], 2),
        (["--since", "2999-01-01T00:00:00Z"], 0),
    ],
)
def test_dead_letters_are_chosen_by_any_filter(
    connected: CommandLine,
    ledger: Ledger,
    person: Callable[[str], str],
    options: list[str],
    found: int,
) -> None:
    bury(ledger, "a@example.com", person=person("a@example.com"))
    bury(ledger, "b@example.com", DeathReason.GAVE_UP)
    assert len(connected("failed", "list", *options, "--json").json) == found


def test_ids_are_filtered_like_anything_else(connected: CommandLine, ledger: Ledger) -> None:
    id = bury(ledger, "a@example.com")
    for filter in (["--account", "acme"], ["--reason", "rejected"], ["--email", "a@example.com"]):
        assert len(connected("failed", "list", id, *filter, "--json").json) == 1
    for filter in (["--reason", "gave_up"], ["--email", "b@example.com"]):
        assert connected("failed", "discard", id, *filter, "--json").json == {"discarded": []}
    assert connected("failed", "show", id, "--json").json["state"] == "dead"


def test_people_read_states_and_reasons_in_words(connected: CommandLine, ledger: Ledger) -> None:
    id = bury(ledger, "a@example.com", DeathReason.GAVE_UP)
    assert "given up" in connected("failed", "list").out
    shown = connected("failed", "show", id).out
    rows = dict(re.findall(r"^(\S.*?)  +(\S.*?) *$", shown, re.MULTILINE))
    assert (rows["state"], rows["reason"]) == ("failed", "given up")
    assert "died" not in shown


def test_only_dead_letters_are_listed(connected: CommandLine, ledger: Ledger) -> None:
    id = accept(ledger).id
    assert connected("failed", "list", id, "--json").json == []


def test_retry_and_discard_want_to_know_which(connected: CommandLine, ledger: Ledger) -> None:
    bury(ledger, "a@example.com")
    for change in ("retry", "discard"):
        ended = connected("failed", change)
        assert (ended.status, "--all" in ended.err) == (2, True)
    assert connected("failed", "retry", "--all", "--json").json["retried"]
    assert connected("failed", "list", "--json").json == []


def test_a_dead_letter_is_corrected_and_its_history_kept(
    connected: CommandLine, ledger: Ledger
) -> None:
    id = bury(ledger, "typo@example.com")
    edited = connected("failed", "edit", id, "--set", "email=right@example.com", "--json")
    assert edited.json["email"] == "right@example.com"
    died_at = connected("failed", "show", id, "--json").json["died_at"]
    connected("failed", "retry", id)
    ledger.deliver(claimed(ledger), attempt(), contact_id="c", action="created")
    shown = connected("failed", "show", short_id(id), "--json").json
    assert (shown["id"], shown["state"]) == (id, "delivered")
    assert [event.get("event", event.get("status")) for event in shown["history"]] == [
        400,
        "edited",
        "retried",
        201,
    ]
    assert (shown["history"][2]["was"], shown["history"][2]["died_at"]) == ("rejected", died_at)
    assert shown["history"][1]["before"] == {"email": "typo@example.com"}
    assert {shown["history"][at]["via"] for at in (1, 2)} == {"cli"}
    assert shown["why"] == "Constant Contact has the contact."
    assert shown["request_id"] == shown["id"]
    text = connected("failed", "show", id).out
    assert "right@example.com" in text
    assert "retried (was rejected)" in text


@pytest.mark.parametrize(
    ("command", "becomes"),
    [
        (("failed", "retry"), "queued"),
        (("failed", "discard", "--yes", "--note", "a test"), "discarded"),
        (("failed", "edit", "--set", "first_name=Ada"), "dead"),
        (("quarantine", "deliver"), "queued"),
        (("quarantine", "discard", "--yes"), "discarded"),
    ],
)
def test_commands_take_the_short_ids_of_the_console(
    connected: CommandLine, ledger: Ledger, command: tuple[str, ...], becomes: str
) -> None:
    is_dead = command[0] == "failed"
    id = bury(ledger, "a@example.com") if is_dead else accept(ledger, quarantine="honeypot").id
    assert connected(*command, short_id(id)).status == 0
    assert connected("failed", "show", id, "--json").json["state"] == becomes


@pytest.mark.parametrize(
    ("change", "says"),
    [("email=nonsense", "e-mail"), ("shoe_size=46", "shoe_size"), ("first_name=" + "x" * 51, "50")],
)
def test_a_wrong_correction_changes_nothing(
    connected: CommandLine, ledger: Ledger, change: str, says: str
) -> None:
    id = bury(ledger, "a@example.com")
    ended = connected("failed", "edit", id, "--set", change)
    assert (ended.status, says in ended.err) == (1, True), ended.err
    assert connected("failed", "show", id, "--json").json["email"] == "a@example.com"


def test_quarantined_signups_are_shown_and_discarded(
    connected: CommandLine, ledger: Ledger
) -> None:
    id = accept(ledger, quarantine="honeypot").id
    shown = connected("failed", "show", id, "--json").json
    assert (shown["state"], shown["reason"], shown["died_at"]) == ("quarantined", "honeypot", None)
    assert connected("failed", "retry", id).status == 1
    assert connected("failed", "discard", id, "--yes").status == 0
    assert connected("failed", "show", id, "--json").json["state"] == "discarded"


def test_an_unknown_id_is_an_error_that_says_where_to_look(connected: CommandLine) -> None:
    for command in ("show", "retry", "discard"):
        ended = connected("failed", command, "no-such-id")
        assert (ended.status, "relay failed list" in ended.err) == (1, True)


# --- holds


def test_hold_and_release(connected: CommandLine, ledger: Ledger) -> None:
    assert connected("hold", "acme", "--reason", "holidays").status == 0
    (account,) = connected("status", "--json").json["accounts"]
    assert account["hold"]["reason"] == "paused"
    assert account["hold"]["until"] is None
    assert account["holds"][0]["note"] == "holidays"
    assert "relay release acme" in connected("status").out
    assert connected("release", "acme", "--json").json["holds"] == ["paused"]
    assert connected("status", "--json").json["accounts"][0]["hold"] is None
    assert connected("hold", "nobody", "--reason", "x").status == 1
    assert connected("hold", "acme").status == 2


def test_a_quota_that_another_program_used_is_told(connected: CommandLine, ledger: Ledger) -> None:
    ledger.hold_quota("acme", jitter=0)
    assert "another program uses the same API key" in connected("status").out


# --- wrong use


@pytest.mark.parametrize("command", ["audit", "import", "nonsense"])
def test_what_does_not_exist_yet_is_wrong_use(run: CommandLine, command: str) -> None:
    assert run(command, "x").status == 2


def test_all_wrong_settings_are_named_at_once(run: CommandLine) -> None:
    run.set(RELAY_MAX_ATTEMPTS="many", CTCT_API_URL="nowhere")
    ended = run("status")
    assert ended.status == 2
    assert "RELAY_MAX_ATTEMPTS" in ended.err
    assert "CTCT_API_URL" in ended.err


def test_a_redis_that_is_away_is_one_clear_sentence(run: CommandLine) -> None:
    run.set(REDIS_URL="redis://127.0.0.1:9/0")
    for command in (["status"], ["failed", "list"], ["forms", "list"], ["accounts"]):
        ended = run(*command)
        assert ended.status == 1
        assert ended.err.startswith("Redis does not answer")


def test_status_tells_until_when_constant_contact_is_left_alone(
    connected: CommandLine, ledger: Ledger
) -> None:
    assert connected("status", "--json").json["quota"]["rests_until"] is None
    ledger.pace.rest("acme", timedelta(minutes=10), slower_for=timedelta())
    assert connected("status", "--json").json["quota"]["rests_until"].endswith("Z")
    assert "Rate limited by Constant Contact. Deliveries resume at" in connected("status").out
