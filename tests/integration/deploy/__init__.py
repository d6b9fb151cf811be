"""The files in deploy/, as people copy them."""
