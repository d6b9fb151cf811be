"""What visitors read, in their language.

`<language>/LC_MESSAGES/messages.po` has the texts of a language, `catalogues` reads them. English
is in the code. docs/forms.md says which language a visitor gets, CONTRIBUTING.md how to add a text.
"""
