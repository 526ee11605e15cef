"""`python -m aezoo` is the `aezoo` command."""

from aezoo.cli.main import main

if __name__ == "__main__":
    main()
