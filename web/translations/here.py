"""The language of the request that is being answered."""

from flask import Flask, g, request

from shared.domain.form import Form
from shared.domain.reading.posted_fields import LANGUAGE, instruction
from web.own_hosts import CHECKED
from web.services import services
from web.translations.catalogues import ENGLISH, Translation


def translation_here() -> Translation:
    """Return the translation for the visitor. Operators' pages are in English."""
    if "translation" not in g:
        g.translation = _choose()
    found: Translation = g.translation
    return found


def _choose() -> Translation:
    form: Form | None = g.get("form")
    language = ENGLISH if request.path.split("/")[1] in CHECKED else _of_form(form)
    posted = instruction(g.get("posted") or g.get("shown", {}), LANGUAGE)
    asked, header = request.args.get(LANGUAGE, ""), request.headers.get("Accept-Language", "")
    return services().translations.choose(language, *posted, asked, header)


def _of_form(form: Form | None) -> str:
    return form.language if form else "auto"


def set_up_texts(app: Flask) -> None:
    """Have the templates say their texts in the visitor's language."""
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        lambda text: translation_here().catalogue.gettext(text),
        lambda one, many, count: translation_here().catalogue.ngettext(one, many, count),
        newstyle=True,
    )
    app.jinja_env.globals["translation_here"] = translation_here
