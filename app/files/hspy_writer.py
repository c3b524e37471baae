"""Spectra and spectrum images as HyperSpy files (.hspy); RosettaSciIO writes what describes them.

The numbers are written piece by piece, so that images larger than memory can be exported.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from app import __version__
from app.files.atomic import atomic_path
from app.files.pieces_writer import create, fill
from fitting.dataset import Axis, Spectrum
from fitting.processing.smoothing import is_even
from libraries.errors import BadData

Progress = Callable[[float, str], None]
Cancel = Callable[[], bool]


def write_hspy(
    path: str | Path, spectrum: Spectrum, progress: Progress | None = None, cancel: Cancel | None = None
) -> None:
    """Write one spectrum, series or image.

    Raises
    ------
    BadData
        If it is no energy-loss spectrum.
    CannotWrite
        If the file cannot be written.
    Cancelled
    """
    if spectrum.axis.quantity != "energy_loss":
        raise BadData(
            "Only energy-loss spectra are written for HyperSpy", where=spectrum.name, todo="Export HDF5 instead"
        )
    import h5py
    from rsciio.hspy import file_writer

    title = spectrum.name.replace("/", "-")
    shape = spectrum.counts.shape
    signal = {
        "data": np.broadcast_to(np.float32(0), shape), "axes": _axes(spectrum), "metadata": _metadata(spectrum, title),
        "original_metadata": {"Sodalite": {"file": spectrum.meta.file, "format": spectrum.meta.file_format}},
        "package_info": {"package": "Sodalite", "package_version": __version__}, "learning_results": {},
        "models": None, "tmp_parameters": {}, "attributes": {"_lazy": False, "ragged": False},
    }  # fmt: skip
    with atomic_path(path) as temporary:
        # The writer looks at the name of the file only to find one that is open.
        file_writer(str(temporary), signal, write_dataset=False, mode="a", show_progressbar=False)
        with h5py.File(temporary, "r+") as file:
            group = file["Experiments"][title or "__unnamed__"]
            fill(create(group, "data", spectrum), spectrum, progress, cancel)


def _axes(spectrum: Spectrum) -> list[dict[str, Any]]:
    axes = [(axis, name, True) for axis, name in zip(spectrum.navigation, _names(spectrum), strict=True)]
    axes.append((spectrum.axis, "Energy loss", False))
    return [_axis(axis, name, navigate, place) for place, (axis, name, navigate) in enumerate(axes)]


def _names(spectrum: Spectrum) -> tuple[str, ...]:
    """y and x of an image, x of a series."""
    return ("z", "y", "x")[3 - len(spectrum.navigation) :] if len(spectrum.navigation) <= 3 else tuple(
        f"axis {i}" for i in range(len(spectrum.navigation))
    )


def _axis(axis: Axis, name: str, navigate: bool, place: int) -> dict[str, Any]:
    about = {"name": name, "units": axis.unit, "size": len(axis), "navigate": navigate, "index_in_array": place}
    if not is_even(axis):
        return about | {"_type": "DataAxis", "axis": axis.values}
    step = float((axis.values[-1] - axis.values[0]) / (len(axis) - 1)) if len(axis) > 1 else 1.0
    return about | {"_type": "UniformDataAxis", "offset": float(axis.values[0]), "scale": step, "is_binned": False}


def _metadata(spectrum: Spectrum, title: str) -> dict[str, Any]:
    meta = spectrum.meta
    eels = {"collection_angle": meta.collection_angle, "dwell_time": meta.dwell_time,
            "frame_number": meta.sweeps}
    tem = {"beam_energy": meta.beam_energy, "convergence_angle": meta.convergence_angle, "microscope": meta.instrument}
    detector = {name: value for name, value in eels.items() if value is not None}
    microscope: dict[str, Any] = {name: value for name, value in tem.items() if value not in (None, "")}
    if detector:
        microscope["Detector"] = {"EELS": detector}
    known: dict[str, Any] = {
        "General": {"title": title}, "Signal": {"signal_type": "EELS", "quantity": f"Intensity ({meta.intensity_unit})"}
    }
    if microscope:
        known["Acquisition_instrument"] = {"TEM": microscope}
    if meta.sample:
        known["Sample"] = {"description": meta.sample}
    return known
