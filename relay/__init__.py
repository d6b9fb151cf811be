"""The command line: `relay up` and all commands for operators. Imported by nothing else."""
