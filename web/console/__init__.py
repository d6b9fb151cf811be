"""The console: pages for operators, all behind one sign-in.

To add a page: write a module with views on `bp`, each under `@needs(role)`; import it in
`web/console/pages.py`; extend console/base.html, and build the page from console/components.html.
"""

from flask import Blueprint

bp = Blueprint("console", __name__, url_prefix="/console")
