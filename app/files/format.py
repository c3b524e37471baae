"""What a file format tells about itself: file dialogs, the registry and the manual are made from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fitting.dataset import Spectrum
from libraries.errors import BadFile


class AxisUnknown(BadFile):
    """A file that does not say what its axis is; opening it again with `ReadOptions.axis` helps."""


@dataclass(frozen=True)
class ReadOptions:
    """What the user says about a file that does not say it itself.

    Attributes
    ----------
    axis : str or None
        Which energy the first column holds.
    photon_energy : float or None
        In eV; turns kinetic into binding energies.
    """

    axis: Literal["binding_energy", "kinetic_energy", "energy_loss"] | None = None
    photon_energy: float | None = None


@dataclass(frozen=True)
class FormatInfo:
    """Name, title and suffixes of a format, for dialogs and the manual.

    Attributes
    ----------
    name : str
        Short name, "vamas".
    title : str
        What a dialog shows, "VAMAS (ISO 14976)".
    suffixes : tuple of str
        Usual file name endings in lower case, with the dot.
    description : str
        One sentence for the manual.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    description: str = ""


@dataclass(frozen=True)
class Reader(FormatInfo):
    """A reader. A module of this package that has a `READER` takes part in `app.files.read`.

    Attributes
    ----------
    sniff : callable(head, path) -> float
        How sure it is, 0 (not mine) to 1 (certainly mine), from the first bytes of the file; the suffix may only break
        ties.
    read : callable(path, options) -> list of Spectrum
        Reads the file; raises BadFile and nothing else for a file that is not as it should be.
    """

    sniff: Callable[[bytes, Path], float] = lambda head, path: 0.0
    read: Callable[[Path, ReadOptions], list[Spectrum]] = lambda path, options: []

    @property
    def info(self) -> FormatInfo:
        """The part that dialogs and the manual need."""
        return FormatInfo(self.name, self.title, self.suffixes, self.description)
