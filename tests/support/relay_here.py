"""A `relay` command with an environment and a folder of its own, in the test's process.

A process of its own takes longer to start than most tests to do their work.
"""

import os
from collections.abc import Mapping, Sequence
from contextlib import chdir
from pathlib import Path
from unittest import mock

import pytest
from click.testing import CliRunner

from relay.cli import main


def relay_here(
    command: Sequence[str],
    environ: Mapping[str, str],
    *,
    stdin: str = "",
    status: int = 0,
    folder: Path | None = None,
) -> str:
    """Run `relay` with `command` to its end, in `folder` if one is given. Return what it printed,
    and where it is to fail, with another `status` than 0, what it complained about."""
    with (
        chdir(folder or Path.cwd()),
        mock.patch.dict(os.environ, environ, clear=True),
        CliRunner().isolation(stdin) as (out, err, _),
        pytest.raises(SystemExit) as ended,
    ):
        main(command)
    printed, complained = (each.getvalue().decode() for each in (out, err))
    assert (ended.value.code or 0) == status, (command, ended.value.code, printed, complained)
    return printed if status == 0 else complained
