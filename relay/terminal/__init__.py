"""Output and questions at the terminal: tables, JSON, progress lines, shared options."""
