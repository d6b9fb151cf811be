"""What screening catches, measured with sign-ups of people and of robots."""
