"""Forms: made, changed, opened, closed and removed; what came to them."""
