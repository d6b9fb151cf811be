"""A question to the operator before something that cannot be taken back."""

import click

from relay.terminal.output import printable
from shared.domain.errors import Refused


def confirm(question: str, *, interactive: bool, otherwise: str) -> None:
    """Ask, and raise `Refused` unless the answer is yes.

    Without a terminal or an answer, it is wrong use (exit status 2), and `otherwise` says what to
    do instead.
    """
    try:
        agreed = click.confirm(printable(question), err=True)
    except click.Abort:
        if interactive:
            raise
        raise click.UsageError(f"There is no terminal to ask at. {otherwise}") from None
    if not agreed:
        raise Refused("Nothing was changed.")
