"""The authorization server: consent page, device flow, token endpoint, and the tokens they give.

The routes are in `..._routes` and `token_endpoint`; the other modules keep applications, codes,
browser sessions and tokens.
"""
