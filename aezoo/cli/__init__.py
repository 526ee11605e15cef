"""The command line: `main` gathers, and each command is one file."""
