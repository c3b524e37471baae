"""`python3 -m installer run` and `python3 -m installer test [--full]`, from the project's root.

This file is kept free of new syntax, so that an old Python can still read it and say that it is too old.
"""

import sys

OLDEST_PYTHON = (3, 11)


def main():
    """Check the interpreter, then hand over to the commands; return the exit status."""
    if sys.version_info[:2] < OLDEST_PYTHON:
        sys.stderr.write(
            "installer: Sodalite needs Python %d.%d or newer, and this is Python %s (%s). "
            "Install a newer Python and start this command with it.\n"
            % (OLDEST_PYTHON[0], OLDEST_PYTHON[1], sys.version.split()[0], sys.executable)
        )
        return 1
    from installer.commands import main as commands

    return commands(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
