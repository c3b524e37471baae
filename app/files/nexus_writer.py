"""HDF5 in the shape of NeXus: any HDF5 viewer plots it, and `app.files.nexus` reads it back bit for bit.

    /                       NXroot, default = the first entry
      spectrum_0001         NXentry: title, start_time, technique
        data                NXdata: signal "intensity", axes, units; transmission and curves beside them
        instrument          NXinstrument: source_probe, beam_probe, electronanalyser with energydispersion
        sample, user        NXsample, NXuser
        sodalite            NXcollection: everything of Meta and Noise as JSON, for the way back; names and masses of
                            channels (depth profiles and cubes of ions), further scales (dose, fluence)

The names of groups and fields follow NXmpes where it has them; conformance with its definition is not claimed.

References
----------
M. Koennecke et al., J. Appl. Cryst. 48, 301 (2015).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from app import __version__
from app.files.atomic import atomic_path
from app.files.pieces_writer import create, fill
from app.files.wire import plain
from fitting.dataset import Axis, Spectrum
from fitting.image.maps import Map
from fitting.stored import Stored
from libraries.errors import BadData

CREATOR = "Sodalite"
LAYOUT = 1
Curves = Mapping[int, Mapping[str, ArrayLike]]


def write_nexus(
    path: str | Path, spectra: Sequence[Spectrum], curves: Curves | None = None, *,
    progress: Callable[[float, str], None] | None = None, cancel: Callable[[], bool] | None = None,
) -> None:
    """Write spectra and their curves.

    Parameters
    ----------
    path : path
        The file to make or replace.
    spectra : sequence of Spectrum
        Single spectra or series; each becomes an NXentry.
    curves : mapping of int to mapping of str to array, optional
        For the spectrum with that place in `spectra`: background, envelope, components ... with its shape.
    progress, cancel : callable, optional
        For intensities that are read from their file piece by piece.

    Raises
    ------
    BadData
        If there is no spectrum, or a curve does not fit its spectrum.
    CannotWrite
        If the file cannot be written.
    """
    import h5py

    if not spectra:
        raise BadData("There is no spectrum to write", where=str(path))
    given = curves or {}
    for index, named in given.items():
        _check_curves(spectra, index, named)
    with atomic_path(path) as temporary, h5py.File(temporary, "w") as file:
        names = [f"spectrum_{number:04d}" for number in range(1, len(spectra) + 1)]
        _attributes(file, NX_class="NXroot", default=names[0], creator=CREATOR, creator_version=__version__)
        _attributes(file, layout=LAYOUT, file_time=datetime.now(UTC).isoformat(timespec="seconds"))
        for index, (name, spectrum) in enumerate(zip(names, spectra, strict=True)):
            _entry(file.create_group(name), spectrum, given.get(index, {}), progress, cancel)


def _check_curves(spectra: Sequence[Spectrum], index: int, named: Mapping[str, ArrayLike]) -> None:
    if not 0 <= index < len(spectra):
        raise BadData(f"Curves are given for spectrum {index}, but there are {len(spectra)}")
    for name, curve in named.items():
        if np.shape(curve) != spectra[index].counts.shape:
            raise BadData(f"The curve '{name}' does not fit the spectrum", where=spectra[index].name)


def _entry(
    entry: Any, spectrum: Spectrum, curves: Mapping[str, ArrayLike],
    progress: Callable[[float, str], None] | None, cancel: Callable[[], bool] | None,
) -> None:
    meta = spectrum.meta
    _attributes(entry, NX_class="NXentry", default="data")
    _fields(entry, title=spectrum.name, start_time=meta.date, experiment_identifier=meta.experiment)
    _fields(entry, method=meta.technique.upper(), experiment_institution=meta.institution)
    _data(_group(entry, "data", "NXdata"), spectrum, curves, progress, cancel)
    instrument = _group(entry, "instrument", "NXinstrument")
    _fields(instrument, name=meta.instrument)
    _quantity(instrument, "angle_source_analyser", meta.source_analyser_angle, "deg")
    _fields(_group(instrument, "source_probe", "NXsource"), name=meta.source)
    _quantity(_group(instrument, "beam_probe", "NXbeam"), "incident_energy", meta.photon_energy, "eV")
    analyser = _group(instrument, "electronanalyser", "NXelectronanalyser")
    _quantity(analyser, "work_function", meta.work_function, "eV")
    _quantity(analyser, "emission_angle", meta.emission_angle, "deg")
    dispersion = _group(analyser, "energydispersion", "NXenergydispersion")
    _fields(dispersion, energy_scan_mode=meta.analyser_mode)
    _quantity(dispersion, "pass_energy", meta.pass_energy, "eV")
    detector = _group(analyser, "detector", "NXdetector")
    _fields(detector, mode=meta.signal_mode)
    _quantity(detector, "count_time", meta.dwell_time, "s")
    _quantity(detector, "number_of_sweeps", meta.sweeps, "")
    _fields(_group(entry, "sample", "NXsample"), name=meta.sample)
    _fields(_group(entry, "user", "NXuser"), name=meta.operator, affiliation=meta.institution)
    own = _group(entry, "sodalite", "NXcollection")
    own.create_dataset("meta", data=json.dumps(plain(meta)))
    own.create_dataset("noise", data=json.dumps(plain(spectrum.noise)))
    if spectrum.axis.labels or spectrum.axis.masses:
        own.create_dataset("names", data=json.dumps({"labels": spectrum.axis.labels, "masses": spectrum.axis.masses}))
    for number, scale in enumerate(spectrum.scales):
        _axis(own, f"scale_{number}", scale)


def _data(
    data: Any, spectrum: Spectrum, curves: Mapping[str, ArrayLike],
    progress: Callable[[float, str], None] | None, cancel: Callable[[], bool] | None,
) -> None:
    unit = spectrum.meta.intensity_unit
    names = [f"{axis.quantity}_{place}" for place, axis in enumerate(spectrum.navigation)]
    names.append(spectrum.axis.quantity)
    _attributes(data, signal="intensity", title=spectrum.name)
    data.attrs["axes"] = names
    if isinstance(spectrum.counts, Stored):
        dataset = create(data, "intensity", spectrum)
        fill(dataset, spectrum, progress, cancel)
        _attributes(dataset, units=unit, long_name=f"Intensity ({unit})")
    else:
        _array(data, "intensity", spectrum.counts, unit, f"Intensity ({unit})")
    for place, (name, axis) in enumerate(zip(names, (*spectrum.navigation, spectrum.axis), strict=True)):
        _axis(data, name, axis)
        data.attrs[f"{name}_indices"] = place
    if spectrum.transmission is not None:
        _array(data, "transmission", spectrum.transmission, "", "Transmission function (relative)")
    used = {"intensity", "transmission", *names}
    auxiliary = []
    for title, curve in curves.items():
        name = _free_name(title, used)
        _array(data, name, np.asarray(curve, dtype=np.float64), unit, title)
        auxiliary.append(name)
    if auxiliary:
        data.attrs["auxiliary_signals"] = auxiliary


def write_map(entry: Any, number: int, one: Map, navigation: Sequence[Axis]) -> None:
    """A map as NXdata inside an NXentry: values, errors and flags on the axes of the image."""
    data = _group(entry, f"map_{number:03d}", "NXdata")
    _attributes(data, signal="values", title=one.name)
    names = [f"{axis.quantity}_{place}" for place, axis in enumerate(navigation)]
    if tuple(map(len, navigation)) == one.shape:
        data.attrs["axes"] = names
        for name, axis in zip(names, navigation, strict=True):
            _axis(data, name, axis)
    _array(data, "values", one.values, one.unit, one.label)
    if one.error is not None:
        _array(data, "values_errors", one.error, one.unit, f"Standard error of {one.name}")
    if one.flags is not None:
        _array(data, "flags", one.flags, "", "; ".join(f"{code}: {words}" for code, words in one.legend))
    _fields(data, name=one.name, kind=one.kind, run=one.group, origin=one.origin, data_sha256=one.data_hash)


def _axis(data: Any, name: str, axis: Axis) -> None:
    _array(data, name, axis.values, axis.unit, axis.label)
    data[name].attrs["quantity"] = axis.quantity


def _array(group: Any, name: str, values: np.ndarray, unit: str, label: str) -> None:
    # Small arrays stay contiguous; compression is for images and profiles.
    large = values.nbytes > 1 << 20
    dataset = group.create_dataset(name, data=values, **({"compression": "gzip", "shuffle": True} if large else {}))
    _attributes(dataset, units=unit, long_name=label)


def _free_name(title: str, used: set[str]) -> str:
    """A NeXus name from a title, not used before."""
    base = re.sub(r"\W+", "_", title, flags=re.ASCII).strip("_").lower() or "curve"
    name, number = base, 2
    while name in used:
        name, number = f"{base}_{number}", number + 1
    used.add(name)
    return name


def _group(parent: Any, name: str, nexus_class: str) -> Any:
    group = parent.create_group(name)
    _attributes(group, NX_class=nexus_class)
    return group


def _attributes(target: Any, **values: str | int) -> None:
    for name, value in values.items():
        target.attrs[name] = _plain_text(value) if isinstance(value, str) else value


def _fields(group: Any, **values: str) -> None:
    """Text fields, those that are not recorded left out."""
    for name, value in values.items():
        if value:
            group.create_dataset(name, data=_plain_text(value))


def _quantity(group: Any, name: str, value: float | None, unit: str) -> None:
    if value is not None:
        dataset = group.create_dataset(name, data=float(value))
        _attributes(dataset, units=unit)


def _plain_text(text: str) -> str:
    # HDF5 ends its strings at a zero; lone surrogates of odd file names have no UTF-8.
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
