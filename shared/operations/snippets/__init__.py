"""What to paste into a website, so that its form posts here: HTML, a script, or a curl command."""
