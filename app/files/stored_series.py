"""Series in files that this program wrote, to be gone through piece by piece."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.files.arrays import file_array
from app.files.contents import read_head
from app.files.hdf5_members import member
from app.files.nexus import describe, sniff
from fitting.dataset import Axis, Meta, Noise
from libraries.errors import BadFile

if TYPE_CHECKING:
    from fitting.batch.sources import Series


def stored_series(path: str | Path) -> dict[str, tuple[tuple[Axis, ...], Noise, Meta]]:
    """Name, axes, noise and circumstances of every entry of a file that `write_nexus` wrote; no intensities are read.

    Raises
    ------
    BadFile
        If an entry is damaged.
    """
    import h5py

    file = Path(path)
    if sniff(read_head(file), file) < 1:
        return {}
    try:
        with h5py.File(file, "r") as opened:
            return {f"/{name}/data/intensity": describe(member(opened, name, file), file) for name in sorted(opened)}
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise BadFile(f"The HDF5 file is damaged ({error})", where=str(file)) from error


def series_in(path: str | Path, dataset: str) -> Series:
    """An image or profile of a file that `write_nexus` wrote, with its axes and noise.

    Raises
    ------
    BadFile
        If there is none of that name.
    """
    from fitting.batch.sources import Series  # brings the kernels, which reading does not need

    known = stored_series(path)
    name = "/" + dataset.strip("/")
    if name not in known:
        raise BadFile("There is no such series", where=f"{path}, {dataset}")
    axes, noise, meta = known[name]
    source = file_array(path, name)
    if source.shape != tuple(len(axis) for axis in axes):
        raise BadFile("Axes and intensities do not fit each other", where=f"{path}, {dataset}")
    return Series(source, axes[-1], noise, axes[:-1], (), meta.intensity_unit)
