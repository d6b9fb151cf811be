"""All figures at once, as the command line and the API report them."""
