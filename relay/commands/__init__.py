"""The commands, one module for each group. Imported by `relay.cli` alone."""
