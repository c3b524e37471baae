"""Tables of layers and interfaces of depth profiles."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.files.csv_table import write_table
from libraries.errors import SodaliteError

if TYPE_CHECKING:
    from app.project.project import Entry, Project
    from app.project.sims_depth import DepthAnswer

COLUMNS = (
    "Sample", "Profile", "What", "Number", "Name", "Trace", "Unit", "Position", "Position error", "Thickness",
    "Thickness error", "Thickness by amount", "Thickness by amount error", "Width 16-84 %", "Width 16-84 % error",
    "Largest share", "Probability of order", "Response", "Lengths", "Reduced chi2", "Error factor", "Scale", "Remarks",
)
Row = tuple[Any, ...]


def depth_rows(sample: str, title: str, answer: DepthAnswer) -> Iterator[Row]:
    """One row a layer and one an interface; empty where a number is not determined."""
    scale = answer.depth.words if answer.depth is not None else ""
    found = answer.layers
    for layer in found.rows if found is not None else ():
        first = (sample, title, "layer", layer.number, layer.name, found.words, found.unit, layer.top, layer.top_error,
                 layer.thickness, layer.error, layer.amount, layer.amount_error, layer.width, layer.width_error,
                 layer.share, layer.below, "closed shares", "", None, None, scale, "; ".join(layer.remarks))
        yield tuple(map(_plain, first))
    for number, one in enumerate(answer.interfaces, start=1):
        interface = one.interface
        layer = interface.shape == "layer"
        size = (one.width, one.width_error)
        lengths = ", ".join(f"{name} {value:.6g} ± {error:.2g}" if error > 0 else f"{name} {value:.6g}" if error == 0
                            else f"{name} {value:.6g} ± ?" for name, value, error in one.lengths)
        yield tuple(map(_plain, (
            sample, title, "fitted layer" if layer else "interface", number, interface.name, one.label, one.unit,
            one.position, one.position_error, *(size if layer else (None, None)), None, None,
            *((None, None) if layer else size), None, None, interface.response, lengths, one.chi2, one.factor, scale,
            one.failed or one.status,
        )))


def write_depth(path: str | Path, title: str, answer: DepthAnswer, sample: str = "") -> Path:
    """Layers and interfaces of one profile as one table; the path.

    Raises
    ------
    CannotWrite
    """
    write_table(path, COLUMNS, depth_rows(sample, title, answer))
    return Path(path)


def project_rows(project: Project) -> Iterator[Row]:
    """Layers and interfaces of all profiles of a project."""
    from app.project.sims_depth import answer

    names = {sample.id: sample.name for sample in project.samples}
    for entry in project.entries:
        if _told(entry):
            try:
                found = answer(entry)
            except SodaliteError:
                continue
            yield from depth_rows(names.get(entry.sample, ""), entry.title, found)


def _told(entry: Entry) -> bool:
    return bool(entry.interfaces or entry.layering.factors or entry.layering.markers)


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
