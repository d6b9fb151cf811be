"""The floor: a Flask view that reads nothing and does nothing."""

from flask import Flask
from flask.typing import ResponseReturnValue

app = Flask(__name__)


@app.post("/f/news")
def sign_up() -> ResponseReturnValue:
    return {"ok": True}, 202
