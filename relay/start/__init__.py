"""Starts processes: `relay up`, `web`, `worker`, `beat`, `sandbox`. Keeps the data folder.

The runtime imports the data folder only; a command is imported when it runs.
"""
