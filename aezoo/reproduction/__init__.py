"""Published tables and figures, run again: what is trained, what is claimed, and what came of it."""
