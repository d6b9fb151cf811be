"""What a website's Content-Security-Policy has to allow for a snippet."""

import base64
import hashlib
import re

from shared.domain.form import Form
from shared.domain.web_addresses import origin_of
from shared.operations.snippets.snippet import SnippetKind

_BY_EMBED = (SnippetKind.JS, SnippetKind.POPUP)
_HAS_FORM = (SnippetKind.FORM, SnippetKind.FETCH, SnippetKind.REACT, *_BY_EMBED)
_INLINE_SCRIPT = re.compile("<script>(.*?)</script>", re.DOTALL)


def policy_for(form: Form, url: str, kind: SnippetKind, text: str) -> str:
    """Return the directives that the snippet `text` needs, or ""; `url` is the form's address.

    The page's own scripts and styles need more. Browsers apply `form-action` to redirects, too.
    """
    relay = origin_of(url)
    has_captcha = form.captcha != "none" and kind in _HAS_FORM
    loads_script = has_captcha or kind in (*_BY_EMBED, SnippetKind.IFRAME)
    requests = has_captcha or kind in (*_BY_EMBED, SnippetKind.FETCH, SnippetKind.REACT)
    inline = [_hash_of_script(text)] if kind == SnippetKind.FETCH else []
    directives = {
        "form-action": _targets(form, relay) if kind in _HAS_FORM else [],
        "script-src": [*inline, *([relay] if loads_script else [])],
        "connect-src": [relay] if requests else [],
        "frame-src": [relay] if kind == SnippetKind.IFRAME else [],
    }
    return "; ".join(f"{name} {' '.join(found)}" for name, found in directives.items() if found)


def _targets(form: Form, relay: str) -> list[str]:
    next_pages = [origin_of(form.redirect)] if form.redirect else []
    return list(dict.fromkeys(["'self'", relay, *next_pages]))


def _hash_of_script(text: str) -> str:
    """Return the hash that allows the script as it is printed."""
    [script] = _INLINE_SCRIPT.findall(text)
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
