"""A question to the operator before something that cannot be taken back."""

import click

from shared.domain.errors import Refused
from shared.domain.printable import printable

yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


def confirm(question: str, *, yes: bool) -> None:
    """Ask, unless the operator has said `yes` already. Raise `Refused` if the answer is no.

    Standard input may answer, too. Without any answer, it is wrong use (exit status 2).
    """
    if yes:
        return
    try:
        agreed = click.confirm(printable(question), err=True)
    except click.Abort:
        click.echo(err=True)  # the question is still without an answer
        raise click.UsageError(
            "Nobody answered, so nothing was changed. Add --yes to answer in advance."
        ) from None
    if not agreed:
        raise Refused("Nothing was changed.")
