"""The V3 API: contacts, lists, custom fields and the account, and what the sandbox keeps of them.

`gateway` has the blueprint and what every call passes; the routes are in `..._routes`.
"""
