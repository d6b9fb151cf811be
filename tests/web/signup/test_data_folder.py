"""What web keeps in its data folder, by the names that docs/settings.md gives."""

from dataclasses import replace

from flask import Flask

from shared.infrastructure.settings import Settings
from web.app import create_app


def test_the_next_web_has_the_forms_while_redis_is_away(app: Flask, settings: Settings) -> None:
    assert [file.name for file in settings.data_dir.iterdir()] == ["forms.json"]
    away = replace(settings, redis_url="redis://127.0.0.1:9/0", broker_url="redis://127.0.0.1:9/1")
    assert create_app(away).test_client().get("/f/news").status_code == 200
