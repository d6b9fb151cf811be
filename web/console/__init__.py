"""The console: pages for operators, all behind one sign-in.

CONTRIBUTING.md says how to add a page.
"""

from flask import Blueprint

bp = Blueprint("console", __name__, url_prefix="/console")
