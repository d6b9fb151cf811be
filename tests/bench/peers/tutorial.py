"""The tutorial: a Flask view that reads the form and calls a Celery task's `.delay()`.

Celery keeps a pool of ten connections to its broker, and no results. Nothing is checked, limited,
screened or de-duplicated.
"""

from flask import Flask, request
from flask.typing import ResponseReturnValue

from tests.bench.peers.celery_tasks import deliver

app = Flask(__name__)


@app.post("/f/news")
def sign_up() -> ResponseReturnValue:
    deliver.delay(request.form["email"], request.form["first_name"], request.form["last_name"])
    return {"ok": True}, 202
