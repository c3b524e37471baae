"""The errors that Sodalite raises on purpose.

Each one says *what* went wrong, *where* (a file, a line, a block, a parameter) and *what to do*, in words for the
analyst. Windows and commands show `str(error)` as it is; anything else that escapes is a defect of the program.
"""

from __future__ import annotations


class SodaliteError(Exception):
    """Base of all errors raised on purpose.

    Parameters
    ----------
    what : str
        What went wrong, one short sentence without a full stop.
    where : str, optional
        The file, line, block, spectrum or parameter concerned.
    todo : str, optional
        What the user can do about it, one short sentence without a full stop.
    """

    def __init__(self, what: str, *, where: str = "", todo: str = "") -> None:
        self.what = what
        self.where = where
        self.todo = todo
        super().__init__(what, where, todo)

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}. {self.todo}." if self.todo else f"{text}."


class BadFile(SodaliteError):
    """A file cannot be read as what it claims to be, or is of no known kind."""


class BadData(SodaliteError):
    """Numbers that break the rules of a dataset: not ascending, not finite, wrong shape."""


class BadModel(SodaliteError):
    """A model, region, background, shape or constraint that makes no sense."""


class BadProject(SodaliteError):
    """A project file that is damaged, unsafe or newer than this program."""


class CannotWrite(SodaliteError):
    """The target cannot be written: missing folder, read-only, disk full, in use."""


class FitFailed(SodaliteError):
    """A fit that could not be carried out at all (a fit that merely did not converge returns its status)."""


class NotDetermined(SodaliteError):
    """The data or the library cannot answer the question."""


class UnknownName(SodaliteError):
    """An element, line, compound, shape, spectrum or command that is not known."""


class Cancelled(SodaliteError):
    """The user stopped the work."""

    def __init__(self, what: str = "Cancelled", *, where: str = "", todo: str = "") -> None:
        super().__init__(what, where=where, todo=todo)
