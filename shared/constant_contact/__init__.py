"""Everything that is known about Constant Contact: its calls, answers, tokens and limits.

Imports the ledger and the packages below it.
"""
