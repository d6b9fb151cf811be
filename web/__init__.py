"""The web process: takes sign-ups and answers visitors in milliseconds."""
