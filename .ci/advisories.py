"""Looks for known vulnerabilities of the pinned packages, with pip-audit and PyPI's database.

Exit status 1 if there is one. Where no database answers, nothing was checked: that is said, and is
no failure, as a build must not depend on somebody else's server.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any


def audit(requirements: str) -> list[dict[str, Any]] | None:
    """Return what is known of each pinned package; None if no database answers."""
    command = [
        *(sys.executable, "-m", "pip_audit", "--requirement", requirements),
        *("--disable-pip", "--require-hashes", "--format", "json", "--progress-spinner", "off"),
    ]
    done = subprocess.run(  # noqa: S603 - our own command
        command, capture_output=True, text=True, timeout=600, check=False
    )
    try:
        found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        return None
    return found


def report(requirements: str, found: Sequence[dict[str, Any]] | None) -> tuple[list[str], bool]:
    """Return the lines to print, and whether a vulnerability is known."""
    skipped = [each["name"] for each in found or () if "skip_reason" in each]
    if found is None or len(skipped) == len(found):
        return [
            f"{requirements}: SKIPPED. No advisory database answers; nothing was checked."
        ], False
    lines = [
        f"{requirements}: {each['name']} {each['version']} has {advisory['id']}, fixed in"
        f" {', '.join(advisory.get('fix_versions', ())) or 'no version'}"
        for each in found
        for advisory in each.get("vulns", ())
    ]
    if skipped:
        names = ", ".join(skipped)
        lines.append(f"{requirements}: SKIPPED {len(skipped)}, unknown to the database: {names}")
    checked = len(found) - len(skipped)
    vulnerable = any(each.get("vulns") for each in found)
    if not vulnerable:
        lines.append(f"{requirements}: no advisory for {checked} packages")
    return lines, vulnerable


def main(files: Sequence[str]) -> int:
    reports = [report(file, audit(file)) for file in files]
    for lines, _ in reports:
        sys.stdout.writelines(f"{line}\n" for line in lines)
    return int(any(vulnerable for _, vulnerable in reports))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
