"""``/``: says what runs here, and where operators sign in. Visitors come to forms only."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

bp = Blueprint("root", __name__)


@bp.get("/")
def root() -> ResponseReturnValue:
    return render_template("root.html")
