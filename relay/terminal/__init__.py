"""Output and questions at the terminal: tables, JSON, progress lines, accounts as text.

Commands and the runtime import this. It imports no command and no runtime.
"""
