"""Settings: their classes, their checks, and the order in which they are laid over each other."""
