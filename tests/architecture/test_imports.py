"""Dependencies point one way: the contracts in pyproject.toml, checked with every run."""

import subprocess
import sys
from pathlib import Path

from tests.architecture.project import ROOT


def test_the_import_contracts_hold() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
