"""What the documents tell people to type exists, and nothing of a machine is in the project."""

import re

import click
import pytest

from relay.cli import relay
from shared.infrastructure.celery_client import LONGEST_QUEUE
from tests.architecture.project import DOCUMENTS, ROOT, code_in, read, tracked_files
from web.app import THREADS
from web.server.processes import MOST_CONNECTIONS
from worker.delivery.timing import SLOT_LIFE

# A file's own text must not have them whole, or this one would be found.
FOREIGN = ["/" + "work/", "/" + "root/", "files." + "pythonhosted", "pypi.org/" + "simple"]


def documented(pattern: str) -> list[tuple[str, str]]:
    """Return (document, line) of every piece of code that begins like `pattern`."""
    return [
        (document.name, piece)
        for document in DOCUMENTS
        for piece in code_in(document.read_text(encoding="utf-8"))
        if re.match(pattern, piece)
    ]


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    for document, line in documented(r"make [a-z]"):
        asked = [word for word in line.partition("#")[0].split()[1:] if "=" not in word]
        assert set(asked) <= targets, f"{document}: {line!r}"


def test_every_relay_command_exists() -> None:
    for document, line in documented(r"relay [a-z]"):
        check_command(document, line)


def check_command(document: str, line: str) -> None:
    words = re.split(r"\s+", re.split(r"\s[#<|>]\s?|  ", line)[0].strip())[1:]
    command: click.Command = relay
    context = click.Context(relay)
    while isinstance(command, click.Group) and words and not words[0].startswith(("-", "…")):
        name = words.pop(0).strip("…")
        found = command.get_command(context, name)
        assert found is not None, f"{document}: there is no {line!r}"
        command = found
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    asked = {word.partition("=")[0] for word in words if word.startswith("--")}
    assert asked <= known, f"{document}: {asked - known} in {line!r}"


def test_the_documents_say_something_at_all() -> None:
    assert documented(r"make [a-z]")
    assert documented(r"relay [a-z]")


def test_links_within_the_project_lead_somewhere() -> None:
    for document in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#\s]+)", document.read_text(encoding="utf-8")):
            is_ours = "://" not in target
            assert not is_ours or (document.parent / target).exists(), f"{document}: {target}"


def test_files_that_are_named_exist() -> None:
    named = documented(r"(relay|web|worker|shared|tests|docs)/[\w./-]+\.\w+\Z")
    assert named
    for document, path in named:
        assert (ROOT / path).exists(), f"{document}: {path}"


@pytest.mark.parametrize(
    ("document", "figure"),
    [
        ("docs/adr/0004-evenly-spaced-slots.md", f"more than {SLOT_LIFE.microseconds // 1000} ms"),
        ("docs/adr/0005-wake-ups-that-may-get-lost.md", f"fewer than {LONGEST_QUEUE} messages"),
        ("docs/internals/delivery.md", f"more than {SLOT_LIFE.microseconds // 1000} ms late"),
        ("docs/internals/delivery.md", f"while {LONGEST_QUEUE} wait"),
        ("docs/internals/intake.md", f"{THREADS} threads"),
        ("docs/internals/intake.md", f"{MOST_CONNECTIONS} at most"),
    ],
)
def test_figures_that_were_measured_or_chosen_are_the_codes(document: str, figure: str) -> None:
    assert figure in read(document)


def test_every_invariant_that_is_cited_exists() -> None:
    numbers = set(re.findall(r"^## (\d+)\. ", read("docs/invariants.md"), re.MULTILINE))
    cited = {
        number
        for path in tracked_files()
        if path.suffix in (".py", ".lua", ".md")
        for number in re.findall(r"(?i)\binvariant (\d+)", path.read_text(encoding="utf-8"))
    }
    assert cited and cited <= numbers


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="no git checkout")
def test_no_file_names_a_machine_or_a_registry() -> None:
    found = [
        (str(path.relative_to(ROOT)), foreign)
        for path in tracked_files()
        if path.suffix not in (".png", ".ico", ".woff2")
        for foreign in FOREIGN
        if foreign in path.read_text(encoding="utf-8")
    ]
    assert not found
