"""The commands for operators, a module or package for each group.

`relay.cli` imports one when it runs. A command takes all that it works with from the runtime.
"""
