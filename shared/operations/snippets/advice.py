"""What to paste, with what an operator has to know of it."""

from dataclasses import dataclass

from shared.domain.form import Form
from shared.domain.texts import Say
from shared.operations.snippets.policy import policy_for
from shared.operations.snippets.snippet import SnippetKind, make_snippet

TITLES = {
    SnippetKind.FORM: "Plain HTML",
    SnippetKind.JS: "Drawn in place",
    SnippetKind.POPUP: "Pop-up",
    SnippetKind.FETCH: "HTML with a script",
    SnippetKind.REACT: "React",
    SnippetKind.IFRAME: "Frame",
    SnippetKind.CURL: "curl",
}
NO_STYLE = "It has no style of its own: your website's applies."
_BY_LANG = 'It comes in the language that your page names, such as <html lang="de">.'
USES = {
    SnippetKind.FORM: "Works on every website that lets you write a form, without JavaScript, too."
    f" The script of “Drawn in place” sends it without leaving the page. {NO_STYLE}",
    SnippetKind.JS: "Two lines. The form appears where the second one is, in your form's colours."
    f" {_BY_LANG}",
    SnippetKind.POPUP: f"A link that opens the form over your page. {_BY_LANG}",
    SnippetKind.FETCH: f"A form with a script of its own, to change as you like. {NO_STYLE}",
    SnippetKind.REACT: "A component, to change as you like. It needs React 18 or newer."
    f" {NO_STYLE}",
    SnippetKind.IFRAME: "For website builders that let you put in a frame, and neither a form nor a"
    " script.",
    SnippetKind.CURL: "For a server that sends sign-ups, and for a try.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """`policy` is what a Content-Security-Policy has to allow, "" for nothing. `warning` says why
    it does not work as the form is."""

    kind: SnippetKind
    title: str
    use: str
    text: str
    policy: str
    warning: str


def snippet_for(
    form: Form,
    url: str,
    kind: SnippetKind = SnippetKind.FORM,
    *,
    say: Say = str,
    language: str = "",
) -> Snippet:
    """Return the snippet; all is as in `make_snippet`."""
    text = make_snippet(form, url, kind, say=say, language=language)
    return Snippet(
        kind=kind,
        title=TITLES[kind],
        use=f"{USES[kind]}{_after(form, kind)}",
        text=text,
        policy=policy_for(form, url, kind, text),
        warning=_warning(form, kind),
    )


def all_snippets(form: Form, url: str, *, say: Say = str, language: str = "") -> list[Snippet]:
    return [snippet_for(form, url, kind, say=say, language=language) for kind in SnippetKind]


def _after(form: Form, kind: SnippetKind) -> str:
    """Return where the visitors of a form go that our script sends."""
    if kind not in (SnippetKind.JS, SnippetKind.POPUP):
        return ""
    return f" Then they go to {form.redirect}." if form.redirect else " Visitors stay on the page."


def _warning(form: Form, kind: SnippetKind) -> str:
    if kind != SnippetKind.IFRAME or form.origins:
        return ""
    return (
        "No website may show this form in a frame yet, so browsers show an error in its place."
        " First add yours to the form: in the console, under Edit, “Websites that may post here”."
        f" The command is: relay forms edit {form.name} --origin https://www.example.com"
    )
