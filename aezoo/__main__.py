"""`python -m aezoo` is the `aezoo` command."""

import sys

if __name__ == "__main__":
    if not sys.flags.safe_path:
        del sys.path[0]  # the working directory: neither modules nor plugins are looked for there
    from aezoo.cli.main import main

    main()
