"""What an operator can do, used by the console, the command line and the API alike.

Holds no pages and prints nothing. Imports every package of `shared` but `doctor`.
"""
