"""The command line: `relay up` and everything an operator types."""
