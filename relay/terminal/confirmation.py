"""A question to the operator before something that cannot be taken back."""

import click

from relay.terminal.output import printable
from shared.domain.errors import Refused


def confirm(question: str, *, interactive: bool, otherwise: str) -> None:
    """Ask, and raise `Refused` unless the answer is yes.

    `otherwise` tells scripts, which nobody answers for, what to do: wrong use, exit status 2.
    """
    try:
        agreed = click.confirm(printable(question), err=True)
    except click.Abort:
        if interactive:
            raise
        raise click.UsageError(f"There is no terminal to ask at. {otherwise}") from None
    if not agreed:
        raise Refused("Nothing was changed.")
