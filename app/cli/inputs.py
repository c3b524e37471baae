"""What commands are given: files of spectra and projects, each read in a process of its own with limits."""

from __future__ import annotations

import atexit
from pathlib import Path
from typing import TYPE_CHECKING

from libraries.errors import BadFile, BadProject, CannotWrite

if TYPE_CHECKING:
    from app.project.project import Project
    from fitting.dataset import Spectrum

PROJECT_SUFFIX = ".sodalite"
_HDF5 = b"\x89HDF\r\n\x1a\n"


def spectra_in(path: Path) -> list[Spectrum]:
    """All spectra of a file of any format but a project.

    Raises
    ------
    BadFile
        If it cannot be read.
    """
    from app.files import child

    # Ending it ourselves is quicker than waiting for it to notice that this process has gone.
    atexit.register(child.shutdown)
    spectra = child.read_in_child(path)
    if not spectra:
        raise BadFile("The file holds no spectrum", where=str(path))
    return spectra


def project_in(path: Path) -> Project:
    """A project file.

    Raises
    ------
    BadProject
        If it cannot be opened, or is a file of spectra.
    """
    from app.project.store_child import load_in_child

    if not is_project(path):
        raise BadProject(
            "This is not a project of Sodalite",
            where=str(path),
            todo="Make one with `sodalite fit` or in the window (File > Save)",
        )
    return load_in_child(path)


def is_project(path: Path) -> bool:
    """Whether a file is meant to be a project: HDF5 with our suffix, or HDF5 that no reader of spectra wants.

    Raises
    ------
    BadFile
        If there is no such file or it cannot be read.
    """
    from app.files.contents import read_head

    if not read_head(path).startswith(_HDF5):
        return False
    if path.suffix.lower() == PROJECT_SUFFIX:
        return True
    from app.files import sniff

    try:
        sniff(path)
    except BadFile:
        return True
    return False


def everything_in(path: Path) -> Project:
    """A project, or the spectra of a file as a project without fits."""
    if is_project(path):
        return project_in(path)
    from app.project.pairs import pair_up
    from app.project.project import Project, add_spectra
    from app.project.series import with_variables

    project = add_spectra(Project(path.stem), spectra_in(path))
    return pair_up(with_variables(project, [entry.id for entry in project.entries]))


def check_target(target: Path, source: Path) -> None:
    """Refuse to write over the file that is read.

    Raises
    ------
    CannotWrite
    """
    if target.exists() and source.exists() and target.samefile(source):
        raise CannotWrite(
            "This is the file that is read; data are never overwritten", where=str(target), todo="Choose another name"
        )


def same_file(one: Path, other: Path) -> bool:
    """Whether two paths name the same existing file."""
    return one.exists() and other.exists() and one.samefile(other)
