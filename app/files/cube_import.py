"""Cubes of ions from the files of instruments: which files they are, what must be said of them, and the import itself.

Text exports of SurfaceLab hold an ion each. imzML and GRD hold whole spectra: they become cubes with a peak list, and
GRD, whose flight times are not calibrated, with a mass scale.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from app.files import cube_ascii, grd, imzml
from app.files.contents import read_head
from app.files.cube_store import (
    MOST_VOXELS,
    Cancel,
    CubeSettings,
    Progress,
    Volumes,
    check_target,
    cube_meta,
    part,
    write_cube,
)
from fitting.sims.ion_names import polarity_of
from fitting.sims.ions_of import ion_axis
from fitting.sims.setup import MassPeak
from libraries.errors import BadFile

Kind = Literal["ascii", "imzml", "grd"]
TITLES: dict[Kind, str] = {"ascii": cube_ascii.KIND, "imzml": imzml.KIND, "grd": grd.KIND}
_IN_MEMORY = 256 << 20  # bytes of the ions that are counted in one pass
Count = Callable[[Sequence[tuple[float, float]], NDArray[np.uint32], Progress | None], None]


@dataclass(frozen=True)
class Source:
    """What chosen files are.

    Attributes
    ----------
    kind : "ascii", "imzml" or "grd"
    files : tuple of Path
    ions : tuple of str
        Their names, where each file holds one.
    masses : tuple of float
        m/z of the ions as the files state them, 0 where they do not.
    """

    kind: Kind
    files: tuple[Path, ...]
    ions: tuple[str, ...] = ()
    masses: tuple[float, ...] = ()

    @property
    def needs_peaks(self) -> bool:
        """Whether a peak list says which ions are wanted."""
        return self.kind != "ascii"

    @property
    def needs_scale(self) -> bool:
        """Whether its channels are not calibrated."""
        return self.kind == "grd"

    @property
    def words(self) -> str:
        """What it is, for the analyst."""
        if self.kind != "ascii":
            return f"{TITLES[self.kind]}: {self.files[0].name}"
        shown = ", ".join(self.ions[:4]) + (" …" if len(self.ions) > 4 else "")
        return f"{TITLES['ascii']}: {len(self.ions)} ions ({shown})"


def recognised(paths: Sequence[Path]) -> Source:
    """What files are, told by their content.

    Raises
    ------
    BadFile
        If they are of no kind that makes a cube, or of several.
    """
    if not paths:
        raise BadFile("No file is chosen", todo="Choose the files of a measurement")
    kinds: set[Kind] = set()
    for path in paths:
        if path.is_dir():
            kinds.add("ascii")
            continue
        head = read_head(path)
        if imzml.sniff(head, path):
            kinds.add("imzml")
        elif grd.sniff(head, path):
            kinds.add("grd")
        elif cube_ascii.looks_like_voxels(head):
            kinds.add("ascii")
        else:
            what = "It is neither a 3D ASCII export (x, y, z, counts) nor imzML nor GRD"
            raise BadFile(what, where=str(path), todo="Export it as 3D ASCII or imzML")
    if len(kinds) > 1:
        raise BadFile("The files are of several kinds", where=str(paths[0].parent), todo="Choose files of one kind")
    kind = kinds.pop()
    if kind == "ascii":
        known = cube_ascii.ion_files(paths)
        return Source(kind, tuple(one.path for one in known), tuple(one.name for one in known),
                      tuple(one.mass for one in known))  # fmt: skip
    if len(paths) > 1:
        raise BadFile("Only one such file makes a cube", where=str(paths[1]), todo="Choose one file")
    return Source(kind, tuple(paths))


def import_cube(
    paths: Sequence[Path], target: Path, settings: CubeSettings, *, peaks: Sequence[MassPeak] = (),
    scale: tuple[float, float] | None = None, progress: Progress | None = None, cancel: Cancel | None = None,
) -> Path:
    """Read a measurement and write its cube of ions as HDF5.

    Parameters
    ----------
    paths : sequence of Path
        Text files of ions or a folder of them, one imzML or one GRD file.
    target : Path
        Without an ending it gets .h5.
    peaks : sequence of MassPeak
        The ions of imzML and GRD.
    scale : (SF, K0), optional
        Of GRD: channel = SF sqrt(m/z) + K0.

    Returns
    -------
    Path
        Of the file that was written.

    Raises
    ------
    BadFile
        If a file is damaged or of no kind that makes a cube, or peaks or the mass scale are missing.
    Cancelled, CannotWrite
    """
    source = recognised(paths)
    settings = _one_polarity(settings, source.ions or tuple(peak.name for peak in peaks), str(source.files[0].parent))
    if source.kind == "ascii":
        return cube_ascii.import_ascii(source.files, target, settings, progress, cancel)
    path = source.files[0]
    if not peaks:
        what = "The file holds whole spectra: a peak list must say which ions are wanted"
        raise BadFile(what, where=str(path), todo="Open it, find peaks on the Mass page, and export the list")
    place = check_target(target, source.files)
    if source.kind == "imzml":
        return _from_imzml(path, place, settings, peaks, progress, cancel)
    return _from_grd(path, place, settings, peaks, scale, progress, cancel)


def _one_polarity(settings: CubeSettings, names: tuple[str, ...], where: str) -> CubeSettings:
    """The polarity that names of ions say, where the analyst says none."""
    said = polarity_of(names)
    if said == "mixed":
        what = "The ions are positive and negative, but a measurement has one polarity"
        raise BadFile(what, where=where, todo="Import both polarities one after the other")
    if said and settings.polarity and said != settings.polarity:
        raise BadFile(f"The ions are {said}, not {settings.polarity}", where=where, todo="Choose the other polarity")
    return replace(settings, polarity=settings.polarity or said)


def _from_imzml(
    path: Path, place: Path, settings: CubeSettings, peaks: Sequence[MassPeak], progress: Progress | None,
    cancel: Cancel | None,
) -> Path:
    file = imzml.open_imzml(path)
    index = file.index
    settings = replace(
        settings, pixel=settings.pixel or index.pixel[0], polarity=settings.polarity or index.polarity,
        sample=settings.sample or index.sample,
    )  # fmt: skip
    missing = int(np.prod(file.shape)) - len(index.places)
    extra: tuple[tuple[str, str], ...] = ()
    if missing:
        extra = (("pixels without a spectrum", f"{missing} of {int(np.prod(file.shape))}, taken as zero counts"),)

    def count(limits: Sequence[tuple[float, float]], block: NDArray[np.uint32], told: Progress | None) -> None:
        imzml.ion_counts(file, limits, block, told, cancel)

    limits = [(peak.low, peak.high) for peak in peaks]
    source = Source("imzml", (path,))
    return _counted(source, place, settings, peaks, limits, file.shape, count, extra, progress, cancel)


def _from_grd(
    path: Path, place: Path, settings: CubeSettings, peaks: Sequence[MassPeak], scale: tuple[float, float] | None,
    progress: Progress | None, cancel: Cancel | None,
) -> Path:
    if scale is None or not scale[0] > 0 or not np.all(np.isfinite(scale)):
        what = "Flight times of raw data become masses by channel = SF √(m/z) + K0, and SF and K0 are missing"
        raise BadFile(what, where=str(path), todo="Open it, calibrate its spectrum on the Mass page, and enter them")
    slope, offset = scale
    first, shape = grd.shape_of(path)
    limits = [(slope * np.sqrt(peak.low) + offset, slope * np.sqrt(peak.high) + offset) for peak in peaks]

    def count(limits: Sequence[tuple[float, float]], block: NDArray[np.uint32], told: Progress | None) -> None:
        grd.ion_counts(path, first, limits, block, told, cancel)

    extra = (("mass scale", f"SF {slope:.8g}, K0 {offset:.8g}"), ("first scan", str(first)))
    return _counted(Source("grd", (path,)), place, settings, peaks, limits, shape, count, extra, progress, cancel)


def _counted(
    source: Source, place: Path, settings: CubeSettings, peaks: Sequence[MassPeak], limits: list[tuple[float, float]],
    shape: tuple[int, int, int], count: Count, extra: tuple[tuple[str, str], ...], progress: Progress | None,
    cancel: Cancel | None,
) -> Path:
    """As many ions a pass as memory holds."""
    path, voxels = source.files[0], int(np.prod(shape))
    if voxels > MOST_VOXELS:
        what = f"{shape[2]} x {shape[1]} pixels and {shape[0]} scans are too many for memory"
        raise BadFile(what, where=str(path), todo="Export fewer scans, or bin the pixels")
    axis = ion_axis(peaks)
    together = max(min(_IN_MEMORY // (4 * voxels), len(peaks)), 1)
    with Volumes(place.parent) as volumes:
        for start in range(0, len(peaks), together):
            stop = min(start + together, len(peaks))
            block: NDArray[Any] = np.zeros((stop - start, *shape), np.uint32)
            count(limits[start:stop], block, part(progress, 0.85 * start / len(peaks), 0.85 * stop / len(peaks)))
            for ion in range(start, stop):
                volumes.add(axis.labels[ion], peaks[ion].mass, block[ion - start])
        told = (("ions", f"counts between the limits of {len(peaks)} peaks, no background taken off"), *extra)
        meta = cube_meta(settings, path, TITLES[source.kind], told)
        return write_cube(place, volumes, settings, meta, shape=shape, progress=part(progress, 0.85, 1.0),
                          cancel=cancel)  # fmt: skip
