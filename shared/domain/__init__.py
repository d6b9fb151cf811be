"""The rules of signup-relay in plain Python: no I/O, no clock, no chance, no framework.

Imports only the standard library.
"""
