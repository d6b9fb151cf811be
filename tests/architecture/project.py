"""Where the project's files are, and what its documents say in code."""

import re
import subprocess
from functools import cache
from pathlib import Path

from shared.infrastructure.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")])


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


@cache
def tracked_files() -> tuple[Path, ...]:
    """Return every file of the project, as git knows it or will."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    paths = (ROOT / name for name in listed.stdout.split("\0") if name)
    return tuple(path for path in paths if path.is_file())


def code_in(document: str) -> list[str]:
    """Return every line of a document's code blocks, and every piece of code within its text."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", document, re.MULTILINE | re.DOTALL)
    text = re.sub(r"^```.*?^```", "", document, flags=re.MULTILINE | re.DOTALL)
    lines = (line.strip() for block in blocks for line in block.splitlines())
    return [*lines, *re.findall(r"`([^`\n]+)`", text)]


def settings_in(folder: Path) -> Settings:
    """Return valid settings with which nothing can be reached."""
    return Settings.from_env(
        {
            "REDIS_URL": f"unix://{folder}/nobody-listens",
            "CTCT_CLIENT_ID": "test-key",
            "CTCT_CLIENT_SECRET": "test-secret",
            "RELAY_SECRET_KEY": "a secret only for tests",
            "RELAY_DATA_DIR": str(folder),
        }
    )
