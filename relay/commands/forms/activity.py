"""What came to a form, as `relay forms show` prints it."""

from dataclasses import asdict
from typing import Any

from relay.terminal.output import Output, for_people
from shared.domain.phrases import counted
from shared.domain.refusal import KeptRefusal
from shared.domain.refusal_texts import where_from, why_refused
from shared.infrastructure.timestamps import timestamp
from shared.operations.forms.activity import FormActivity
from shared.operations.forms.told import command_to_allow


def activity_document(activity: FormActivity) -> dict[str, Any]:
    """Return it as scripts read it."""
    figures = activity.figures
    return {
        "accepted": figures.accepted,
        "quarantined": figures.quarantined,
        "last_accepted_at": timestamp(activity.last_accepted_at),
        "refused": figures.refused,
        "last_refusals": [_refusal_document(kept) for kept in activity.history.last],
        "refused_websites": [
            {
                "origin": each.origin,
                "at": timestamp(each.at),
                "from_several": each.from_several,
                "signups": each.signups,
            }
            for each in activity.refused_websites
        ],
        "fields_not_sent": [
            {"name": name, "count": count} for name, count in activity.not_sent.items()
        ],
    }


def _refusal_document(kept: KeptRefusal) -> dict[str, Any]:
    refusal = kept.refusal
    return {
        "at": timestamp(kept.at),
        "code": refusal.code,
        "fields": list(refusal.fields),
        "origin": refusal.origin,
        "client": refusal.client,
        "hosted": refusal.hosted,
        "wrong": [asdict(each) for each in refusal.wrong],
        "visitor_can_mend": refusal.visitor_can_mend,
    }


def say_activity(output: Output, activity: FormActivity) -> None:
    """Print it for people, without what there is not."""
    figures = activity.figures
    signups = figures.refused_signups
    causes = ", ".join(f"{count:,} {code}" for code, count in signups.items())
    refused = f"{sum(signups.values()):,}" + (f" ({causes})" if causes else "")
    output.say(
        f"\nSign-ups: {figures.accepted:,} accepted, {figures.quarantined:,} of them in quarantine."
        f" Refused: {refused}."
    )
    if figures.not_shown:
        output.say(
            f"{counted(figures.not_shown, 'time')}, a page of a website that may not post here"
            " wanted to show the form, and could not. These are views, and no sign-ups."
        )
    if found := activity.too_many:
        output.say(f"{found.sentence}\nWhat to do: {found.to_do}")
    _say_refused_websites(output, activity)
    _say_last_refusals(output, activity)
    _say_not_sent(output, activity)


def _say_refused_websites(output: Output, activity: FormActivity) -> None:
    if activity.refused_websites:
        output.say("\nWebsites that were refused. If one is yours or your client's, allow it")
        output.table(
            ["website", "named by", "sign-ups", "last refused", "allow it with"],
            [
                [
                    each.origin,
                    each.named_by,
                    each.signups,
                    for_people(each.at),
                    command_to_allow(activity.form, each.origin),
                ]
                for each in activity.refused_websites
            ],
        )


def _say_last_refusals(output: Output, activity: FormActivity) -> None:
    if activity.history.last:
        output.say("\nThe last refusals")
        output.table(
            ["at", "code", "why", "from", "client", "fields that arrived"],
            [_refusal_row(kept) for kept in activity.history.last],
        )


def _refusal_row(kept: KeptRefusal) -> list[str | None]:
    refusal = kept.refusal
    fields = ", ".join(refusal.fields) or None
    why, page = why_refused(refusal), where_from(refusal)
    return [for_people(kept.at), refusal.code, why, page, refusal.client, fields]


def _say_not_sent(output: Output, activity: FormActivity) -> None:
    if activity.not_sent:
        output.say("\nFields that arrive and are not sent")
        output.table(["field", "sign-ups"], [list(each) for each in activity.not_sent.items()])
        output.say(
            "They are kept with the sign-ups. To send one, add a custom field of this name at"
            " Constant Contact. Then run: relay forms edit FORM --field NAME, with its other fields"
        )
