"""Signs of spam in a sign-up: what they are, and what each weighs."""
