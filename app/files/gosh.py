"""Generalised oscillator strengths of the user: HDF5 files in GOSH format, read strictly.

What is read, and nothing else:

    /metadata/edges_info/<shell>   attributes "table" (name of the table that holds it) and "occupancy_ratio"
    /metadata/data_ref             attribute "data_doi"
    /<element>/<table>             datasets "data" (momenta, energies), "q" in 1/m, "free_energies" in eV

The structure is that of the public databases of G. Guzzinati and co-workers (doi 10.5281/zenodo.7645765) and of
Z. Zhang et al. (arXiv 2405.10151), as eXSpy reads it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from fitting.eels.core_edges import EdgeCurve
from fitting.eels.gosh import GosTable, curve_of
from fitting.eels.kinematics import Beam
from libraries.edges import edge
from libraries.errors import BadFile, NotDetermined
from libraries.shells import XRAY_NAMES

_MOST = 50_000_000  # numbers of a table; the public ones hold some ten thousand
_TEXT = re.compile(r"[\x20-\x7e]{1,200}\Z")


class GoshFile:
    """A file of oscillator strengths.

    Parameters
    ----------
    path : path

    Raises
    ------
    BadFile
        If it is not of this format.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._known: dict[str, tuple[GosTable, ...]] = {}
        with self._open() as file:
            shells = self._group(file, "metadata/edges_info")
            self.shells = tuple(sorted(shells))
            self.elements = tuple(sorted(name for name in file if re.fullmatch(r"[A-Z][a-z]?", name)))
            doi = str(self._group(file, "metadata/data_ref").attrs.get("data_doi", "")) if "metadata/data_ref" in file \
                else ""
        if not self.elements or not self.shells:
            raise BadFile("The file holds no element", where=str(self.path))
        self.source = f"GOSH file {self.path.name}" + (f" (doi {doi})" if _TEXT.match(doi) else "")

    @property
    def words(self) -> str:
        """What it holds."""
        return f"{len(self.elements)} elements, shells {', '.join(self.shells[:8])}"

    def _open(self) -> Any:
        try:
            return h5py.File(self.path, "r")
        except OSError as error:
            raise BadFile("This is no HDF5 file of oscillator strengths", where=str(self.path)) from error

    def _group(self, file: Any, name: str) -> Any:
        found = self._item(file, name)
        if not isinstance(found, h5py.Group):
            raise BadFile(f"The file has no group {name}", where=str(self.path),
                          todo="Choose a file in GOSH format")
        return found

    def _item(self, file: Any, name: str) -> Any:
        """What stands at a path, reached by plain links only."""
        found = file
        for part in name.split("/"):
            link = found.get(part, getlink=True) if isinstance(found, h5py.Group) else None
            if link is None:
                return None
            if not isinstance(link, h5py.HardLink):
                raise BadFile(f"{name} is a link to somewhere else", where=str(self.path))
            found = found[part]
        return found

    def _numbers(self, file: Any, name: str) -> np.ndarray:
        found = self._item(file, name)
        if not isinstance(found, h5py.Dataset) or found.dtype.kind not in "fiu":
            raise BadFile(f"The file has no numbers at {name}", where=str(self.path))
        if found.external or found.is_virtual or found.size > _MOST:
            raise BadFile(f"{name} is too large or lies outside the file", where=str(self.path))
        return np.asarray(found[...], dtype=float)

    def tables(self, name: str) -> tuple[GosTable, ...]:
        """Tables of an edge, one for each of its levels.

        Raises
        ------
        NotDetermined
            If the file lacks it.
        BadFile
            If what stands there cannot be what it should be.
        """
        if name not in self._known:
            wanted = edge(name)
            with self._open() as file:
                self._known[name] = tuple(self._table(file, wanted.element, XRAY_NAMES[line.level or ""])
                                          for line in wanted.lines)
        return self._known[name]

    def _table(self, file: Any, element: str, shell: str) -> GosTable:
        info = self._item(file, f"metadata/edges_info/{shell}")
        # The public files name single shells by a number as well: K is K1.
        info = info if info is not None else self._item(file, f"metadata/edges_info/{shell}1")
        if info is None:
            raise NotDetermined(f"The file has no {shell} shell", where=f"{element}, {self.path.name}",
                                todo="Choose another cross-section")
        table, ratio = info.attrs.get("table"), info.attrs.get("occupancy_ratio")
        if table is None or ratio is None:
            raise BadFile(f"Shell {shell} lacks its table or occupancy", where=str(self.path))
        table = table.decode() if isinstance(table, bytes) else str(table)
        stem = f"{element}/{table}"
        if self._item(file, stem) is None:
            raise NotDetermined(f"The file has no {shell} shell of {element}", where=self.path.name,
                                todo="Choose another cross-section")
        data = np.squeeze(self._numbers(file, f"{stem}/data"))
        q, energies = self._numbers(file, f"{stem}/q").ravel(), self._numbers(file, f"{stem}/free_energies").ravel()
        if data.shape != (q.size, energies.size):
            raise BadFile(f"{stem}: data of shape {data.shape} for {q.size} momenta and {energies.size} energies",
                          where=str(self.path))
        factor = float(ratio)
        if not 0 < factor <= 1:
            raise BadFile(f"The occupancy ratio of {shell} is {factor:g}", where=str(self.path))
        return GosTable(shell, q * 1e-9, energies - energies.min(), data * factor)

    def curve(self, name: str, beam: Beam, length: float) -> EdgeCurve:
        """Cross-section of an edge."""
        return curve_of(edge(name), self.tables(name), beam, length, self.source)
