"""The start of the program: the command line or the window, whichever is asked for.

Nothing heavy is imported before it is known what to do, so that `sodalite --help` answers at once.
"""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Sequence

from app import cli
from libraries.errors import SodaliteError

# A frozen program has no `python -m`: it starts itself with one of these (app.files.child, app.project.store_child).
_FILES_CHILD = "--read-files-child"
_PROJECT_CHILD = "--read-project-child"


class NoWindow(SodaliteError):
    """The window cannot be opened on this machine."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the name of the program; those of the process by default.

    Returns
    -------
    int
        Exit status: 0 done, 1 the job could not be done, 2 wrong usage, 130 stopped by Ctrl+C.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and arguments[0] in (_FILES_CHILD, _PROJECT_CHILD):
        return _serve(arguments[0])
    return cli.main(arguments, window=_window)


def _serve(flag: str) -> int:
    """Be the process that reads files for another one."""
    if flag == _FILES_CHILD:
        from app.files import child

        child.main()
    else:
        from app.project import store_child

        store_child.main()
    return 0


def _window(arguments: Namespace) -> int:
    """Open the window.

    Raises
    ------
    NoWindow
        If there is no display, or Qt or a library it needs is missing.
    """
    if not _has_display():
        raise NoWindow(
            "The window needs a display, and there is none",
            todo="Set DISPLAY or WAYLAND_DISPLAY, or work on the command line (sodalite --help)",
        )
    try:
        from app.gui import run
    except ImportError as error:
        raise _missing(error) from error
    return run(arguments.files, arguments.sample)


def _has_display() -> bool:
    """Whether Qt would find a display; without one it ends the process."""
    if not sys.platform.startswith(("linux", "freebsd")):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))


def _missing(error: ImportError) -> SodaliteError:
    package = (error.name or "").partition(".")[0]
    if isinstance(error, ModuleNotFoundError) and package in ("PySide6", "shiboken6", "pyqtgraph"):
        return NoWindow(f"The window needs {package}, which is not installed", todo="Run: pip install 'sodalite[gui]'")
    if ".so" in str(error):
        return NoWindow(
            f"A system library that the window needs is missing ({error})",
            todo="In the source folder, python3 -m installer run installs it or names the package",
        )
    raise error


if __name__ == "__main__":
    sys.exit(main())
