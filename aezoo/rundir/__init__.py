"""The run directory: its files, opening it, loading from it."""
