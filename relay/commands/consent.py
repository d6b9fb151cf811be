"""`relay consent`: the evidence of what one person consented to."""

from pathlib import Path
from typing import Any

import click

from relay.runtime import CommandRuntime, pass_runtime
from relay.start.data_dir import open_private
from relay.terminal.evidence_page import evidence_page
from relay.terminal.output import for_people
from shared.domain.signup import Evidence
from shared.infrastructure.timestamps import timestamp, utc_now
from shared.operations.consent_words import consent_in_words
from shared.operations.signup_documents import consent_document


@click.command()
@click.argument("email")
@click.option(
    "--html",
    "page",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE",
    help="Write one page to print or to send, with all that it needs in itself.",
)
@pass_runtime
def consent(runtime: CommandRuntime, email: str, page: Path | None) -> None:
    """Show what the person with this e-mail address consented to.

    The text and whether the page said that it showed it, the box and what was posted for it, when,
    from which page and from which network address. It is kept when retention clears the sign-ups.
    """
    found = runtime.personal_data.consent(email)
    runtime.output.json([_document(each) for each in found])
    if page is not None:
        with open_private(page, "w") as file:
            file.write(evidence_page(email, found, printed_at=utc_now()))
        runtime.output.say(f"Written: {page}")
    elif found:
        _print(runtime, found)
    else:
        runtime.output.say("No consent of this address is stored.")


def _document(evidence: Evidence) -> dict[str, Any]:
    return {
        "id": evidence.id,
        "account": evidence.account,
        "form": evidence.form,
        "given_at": timestamp(evidence.given_at),
        **consent_document(evidence.consent),
    }


def _print(runtime: CommandRuntime, found: list[Evidence]) -> None:
    for each in found:
        told = consent_in_words(each.consent)
        runtime.output.table(
            ["", ""],
            [
                ("given at", for_people(each.given_at)),
                ("text", each.consent.text),
                *((label.lower(), text) for label, text in told.items()),
                ("form, account", f"{each.form}, {each.account}"),
                ("sign-up", each.id),
            ],
        )
        runtime.output.say("")
