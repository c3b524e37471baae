"""Maps as TIFF for other programs, and all maps of a project in a folder.

A TIFF has up to three pages of 32-bit floats: values, standard errors, flags; not a number where there is none. A map
in voxels (scans, rows, columns) has a page for each scan instead, first of the values, then of errors and flags. Its
description says unit and pixel size in the words of ImageJ, which scales the picture by them. Pillow writes it (it
comes with Matplotlib; MIT-CMU licence).

References
----------
TIFF 6.0, Adobe Developers Association (1992); ImageJ's description: https://imagej.net/ij/developer/source/ij/io/
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from app.files.atomic import atomic_path, make_folder
from app.files.map_tables import write_maps_csv
from fitting.dataset import Axis
from fitting.image.classes import is_classes
from fitting.image.maps import Map
from fitting.sims.cube_maps import lateral
from libraries.errors import BadData

if TYPE_CHECKING:
    from app.project.project import Entry, Project

Progress = Callable[[float, str], None]
# TIFF texts are ASCII.
_ASCII = {"λ": "lambda", "π": "pi", "σ": "sigma", "µ": "u", "μ": "u", "–": "-", "−": "-", "×": "x", "Å": "A", "²": "2"}
_DESCRIPTION, _X_RESOLUTION, _Y_RESOLUTION, _RESOLUTION_UNIT = 270, 282, 283, 296


def write_tiff(path: str | Path, one: Map, navigation: Sequence[Axis] = ()) -> None:
    """One map; a series becomes a picture of one row.

    Parameters
    ----------
    navigation : sequence of Axis
        Of the image: pixel sizes where they are lengths.

    Raises
    ------
    CannotWrite
    """
    from PIL import Image

    stacks = [one.values, *(page for page in (one.error, one.flags) if page is not None)]
    pages = [page for stack in stacks for page in (stack if stack.ndim == 3 else (np.atleast_2d(stack),))]
    pictures = [Image.fromarray(np.asarray(page, dtype=np.float32)) for page in pages]
    lengths = [axis for axis in navigation if axis.quantity == "distance" and axis.step > 0]
    sizes = [axis.step for axis in lengths]
    tags: dict[int, object] = {_DESCRIPTION: _description(one, len(pages), lengths)}
    if sizes:
        # Pixels in a unit of length, which the description names.
        tags |= {_X_RESOLUTION: 1.0 / sizes[-1], _Y_RESOLUTION: 1.0 / sizes[0], _RESOLUTION_UNIT: 1}
    image = io.BytesIO()
    pictures[0].save(image, format="TIFF", save_all=True, append_images=pictures[1:], tiffinfo=tags)
    with atomic_path(path) as temporary:
        temporary.write_bytes(image.getvalue())


def _description(one: Map, pages: int, lengths: Sequence[Axis]) -> str:
    names = ["values", *(["errors"] if one.error is not None else []), *(["flags"] if one.flags is not None else [])]
    scans = f" of {len(one.values)} scans each" if one.values.ndim == 3 else ""
    lines = ["ImageJ=1.11a", f"images={pages}", f"slices={pages}", *(f"unit={axis.unit}" for axis in lengths[-1:])]
    lines += [f"name={one.name}", f"intensity unit={one.unit or 'none'}", f"pages={', '.join(names)}{scans}"]
    lines += [f"pixel size={axis.step:.6g} {axis.unit}" for axis in lengths[-1:]]
    kind = "class" if is_classes(one) else "flag"
    lines += [f"{kind} {number}={words}" for number, words in one.legend if kind == "class" or one.flags is not None]
    lines += [f"origin={' '.join(one.origin.split())}", f"data={one.data_hash}"]
    text = "\n".join(lines)
    for sign, word in _ASCII.items():
        text = text.replace(sign, word)
    return text.encode("ascii", "replace").decode("ascii") + "\n"


def write_maps(entries: Sequence[Entry], folder: str | Path, progress: Progress | None = None) -> Path:
    """All maps of some entries, each as TIFF and (not of voxels) CSV, in a folder that is made where it is missing.

    Raises
    ------
    BadData
        If there are no maps.
    CannotWrite
    """
    target = Path(folder)
    found = [(entry, one) for entry in entries for one in entry.maps]
    if not found:
        raise BadData("There are no maps to write", where=str(target), todo="Compute some on the Maps page first")
    make_folder(target)
    taken: set[str] = set()
    for number, (entry, one) in enumerate(found):
        if progress is not None:
            progress(number / len(found), one.name)
        stem = _free(re.sub(r"[^\w\-+. ]+", "_", f"{entry.title} {one.name}").strip(" ._")[:80] or "map", taken)
        axes = entry.spectrum.navigation
        write_tiff(target / f"{stem}.tif", one, axes)
        if one.values.ndim < 3:  # of voxels a table has millions of rows
            write_maps_csv(target / f"{stem}.csv", [one], lateral(axes) if one.values.ndim == 2 else axes)
    return target


def write_project_maps(project: Project, folder: str | Path) -> Path:
    """All maps of a project (see `write_maps`)."""
    return write_maps(project.entries, folder)


def _free(name: str, taken: set[str]) -> str:
    found, number = name, 2
    while found.lower() in taken:
        found, number = f"{name} {number}", number + 1
    taken.add(found.lower())
    return found
