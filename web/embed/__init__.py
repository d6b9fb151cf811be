"""`/embed.js`: what a website loads, so that its forms post here without leaving the page.

The sources are the `.js` files beside this one. `make embed` assembles and minifies them into
`embed.min.js`, which is in git: it needs no minifier in production (ADR 37).
"""
