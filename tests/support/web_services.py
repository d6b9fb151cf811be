"""The services of a web app, for tests that use them or put fakes in their place."""

from dataclasses import replace
from typing import Any

from flask import Flask

from web.services import Services


def services_of(app: Flask) -> Services:
    found: Services = app.extensions["relay"]
    return found


def change_services(app: Flask, **changed: Any) -> None:
    app.extensions["relay"] = replace(services_of(app), **changed)
