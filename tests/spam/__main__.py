"""`make spam-table`: measure, print the tables, and write them into the documents."""

import sys

from tests.spam.table import documents, measured

sys.stdout.write(measured())
for path, text in documents().items():
    path.write_text(text, encoding="utf-8")
