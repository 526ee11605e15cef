"""The commands people and CI both run: `nox`, or one of them by name: `nox -s lint`."""

import nox

nox.options.sessions = ["lint", "types", "tests"]
nox.options.reuse_existing_virtualenvs = True


@nox.session
def lint(session: nox.Session) -> None:
    """Layout and lint; the quick one, first."""
    session.install("ruff")
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Static types of the core and of each plugin package."""
    session.install("-e", ".[test]")
    session.run("mypy", "aezoo", "plugins")


@nox.session
def tests(session: nox.Session) -> None:
    """All tests but the slow ones; add `-- -m slow` for those."""
    session.install("-e", ".[test]")
    session.run("pytest", *session.posargs)
