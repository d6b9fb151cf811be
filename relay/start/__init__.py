"""Starts processes: `relay up`, `web`, `worker`, `beat`, `sandbox`. Keeps the data folder."""
