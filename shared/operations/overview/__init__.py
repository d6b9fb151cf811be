"""The overview: what an operator sees first. Facts, a reader of them, and the verdict."""
