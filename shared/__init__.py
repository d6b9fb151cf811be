"""What web, worker and the command line have in common; it knows none of them."""
