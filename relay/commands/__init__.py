"""The commands, a module or package for each group. `relay.cli` imports them when they run."""
