"""What commands print with, and how they ask: tables, JSON, progress lines, shared options."""
