"""The sandbox's own routes, which the real service lacks: control calls, figures, contacts page."""
