"""`make spam-table`: measure, print the tables, and write them into docs/spam.md."""

import sys

from tests.spam.table import DOCUMENT, tables, written

sys.stdout.write(tables())
DOCUMENT.write_text(written(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
