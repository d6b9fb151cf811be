"""What starts processes: `relay up`, `web`, `worker`, `beat`, `sandbox`, and the data folder."""
