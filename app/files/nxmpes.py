"""NeXus files of photoemission (definitions NXmpes and NXxps): each entry becomes one Spectrum.

Read is what the entry marks as its data to plot (NXdata: signal and axes), with the energies as written; the attribute
`type` of the energies says whether they are binding or kinetic. Other axes become a series. Circumstances are taken
from the fields that the definitions name.

HDF5 can refer to other files, compute data, and declare far more than it holds; as in `app.files.nexus` all of it is
refused, except links to another place of the same file, with which these files point from the data to a calibration.

References
----------
NeXus definitions NXmpes, NXxps, NXdata_mpes (fairmat-nfdi.github.io/nexus_definitions).
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from app.files import instrument
from app.files.columns_names import intensity_unit
from app.files.format import AxisUnknown, Reader, ReadOptions
from app.files.hdf5_members import plain_dataset
from fitting.dataset import Axis, FloatArray, Meta, Quantity, Spectrum
from libraries.errors import BadData, BadFile

FORMAT = "NeXus"
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_MAX_ENTRIES, _MAX_MEMBERS, _MAX_LINKS = 10_000, 10_000, 8
_MAX_BYTES = 1 << 30
# deflate shrinks to no less than 1/1032 (RFC 1951).
_MAX_RATIO = 1100
_TODO = "Check the file with a NeXus viewer, or export the spectra as text"
_EV = {"ev", "electron_volt", "electronvolt", "electron volt"}
_NAVIGATION: tuple[tuple[str, Quantity, tuple[str, ...]], ...] = (
    ("angle", "angle", ("deg", "degree", "degrees", "°")),
    ("time", "time", ("s", "second", "seconds")),
    ("depth", "depth", ("nm", "a", "angstrom", "um")),
    ("distance", "distance", ("mm", "um", "nm")),
)


def sniff(head: bytes, path: Path) -> float:
    """0.95 for an HDF5 file with an entry that claims one of the definitions."""
    if not head.startswith(_SIGNATURE):
        return 0.0
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return 0.95 if any(_definition(file, name, path) for name in list(file)[:_MAX_ENTRIES]) else 0.0
    except (*_DAMAGE, BadFile):
        return 0.0


# What h5py raises for damaged files.
_DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError, OverflowError)


def read(path: Path, options: ReadOptions | None = None) -> list[Spectrum]:
    """The spectra of all entries.

    Parameters
    ----------
    options : ReadOptions
        What the energies are and the photon energy, where the file does not say it.

    Raises
    ------
    AxisUnknown
        If neither file nor options say which energies they are.
    BadFile
        If the file is damaged or its data are not laid out as the definitions say.
    """
    import h5py

    spectra = []
    try:
        with h5py.File(path, "r") as file:
            for name in sorted(list(file)[:_MAX_ENTRIES]):
                definition = _definition(file, name, path)
                if definition:
                    spectra.append(_spectrum(file, name, definition, path, options or ReadOptions()))
    except BadData as error:
        raise BadFile(error.what, where=f"{path}, {error.where}", todo=_TODO) from error
    except _DAMAGE as error:
        raise BadFile(f"The HDF5 file is damaged ({error})", where=str(path), todo=_TODO) from error
    if not spectra:
        raise BadFile("The file holds no entry of NXmpes or NXxps", where=str(path), todo=_TODO)
    return instrument.numbered(spectra)


def _open(group: Any, name: str, path: Path) -> Any:
    """A member of a group or None; links may lead to another place of the same file, nowhere else."""
    import h5py

    for _ in range(_MAX_LINKS):
        link = group.get(name, getlink=True)
        if link is None:
            return None
        if isinstance(link, h5py.HardLink):
            return group[name]
        if not isinstance(link, h5py.SoftLink):
            where = f"{path}, {group.name.rstrip('/')}/{name}"
            raise BadFile("The file refers to another file", where=where, todo=_TODO)
        place = link.path if link.path.startswith("/") else f"{group.name.rstrip('/')}/{link.path}"
        parts = [part for part in place.split("/") if part not in ("", ".")]
        if ".." in parts or not parts or len(parts) > 32:
            return None
        group, name = group.file, parts[-1]
        for part in parts[:-1]:
            step = group.get(part, getlink=True)
            group = group[part] if isinstance(step, h5py.HardLink) else None
            if not isinstance(group, h5py.Group):
                return None
    return None


def _attribute(target: Any, name: str) -> str:
    value = target.attrs.get(name, "")
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value if isinstance(value, str) else ""


def _definition(file: Any, name: str, path: Path) -> str:
    """The definition that an entry claims, "" where it is no entry of photoemission."""
    import h5py

    entry = _open(file, name, path)
    if not isinstance(entry, h5py.Group) or _attribute(entry, "NX_class") != "NXentry":
        return ""
    text = _text(entry, "definition", path)
    return text if text.startswith("NXmpes") or text == "NXxps" else ""


def _text(group: Any, name: str, path: Path) -> str:
    """A text field, "" where there is none."""
    import h5py

    field = _open(group, name, path)
    if not isinstance(field, h5py.Dataset) or h5py.check_string_dtype(field.dtype) is None or field.shape != ():
        return ""
    value = plain_dataset(field.parent, field.name.rpartition("/")[2], path)[()]
    return value.decode("utf-8", "replace")[: instrument.MAX_NOTE] if isinstance(value, bytes) else ""


def _array(group: Any, name: str, path: Path) -> FloatArray:
    """Finite numbers of a field as float64, of a size that it can hold."""
    import h5py

    where = f"{path}, {group.name}/{name}"
    field = _open(group, name, path)
    if not isinstance(field, h5py.Dataset):
        raise BadFile("Data are missing", where=where, todo=_TODO)
    dataset = plain_dataset(field.parent, field.name.rpartition("/")[2], path)
    if dataset.dtype.kind not in "iuf" or dataset.dtype.itemsize > 8 or dataset.shape is None:
        raise BadFile("It holds something that is no number", where=where, todo=_TODO)
    size = math.prod(dataset.shape) * dataset.dtype.itemsize
    stored, packed = dataset.id.get_storage_size(), dataset.id.get_create_plist().get_nfilters() > 0
    if size > _MAX_BYTES or size > stored * (_MAX_RATIO if packed else 1):
        raise BadFile(f"It declares {size:.3g} bytes but holds {stored}", where=where, todo=_TODO)
    values = np.asarray(dataset[()], dtype=np.float64)
    if not np.all(np.isfinite(values)):
        raise BadFile("It holds numbers that are not finite", where=where, todo=_TODO)
    return values


def _children(group: Any, path: Path, *classes: str) -> list[Any]:
    """The groups below a group that are of one of these classes."""
    import h5py

    found = []
    for name in sorted(list(group)[:_MAX_MEMBERS]) if group is not None else []:
        if isinstance(group.get(name, getlink=True), h5py.HardLink):
            child = group[name]
            if isinstance(child, h5py.Group) and _attribute(child, "NX_class") in classes:
                found.append(child)
    return found


def _value(groups: list[Any], name: str, path: Path, units: set[str]) -> float | None:
    """The number that all of these groups give for a field in one of these units, None where none or several do."""
    import h5py

    values = set()
    for group in groups:
        field = _open(group, name, path)
        if isinstance(field, h5py.Dataset) and field.shape in ((), (1,)) and field.dtype.kind in "iuf":
            value = float(_array(group, name, path).reshape(-1)[0])
            if value > 0 and _attribute(field, "units").lower() in units:
                values.add(value)
    return values.pop() if len(values) == 1 else None


def _spectrum(file: Any, name: str, definition: str, path: Path, options: ReadOptions) -> Spectrum:
    where = f"{path}, /{name}"
    entry = _open(file, name, path)
    data = _plotted(entry, path, where)
    signal = _attribute(data, "signal")
    counts = _array(data, signal, path)
    names = [n.decode("utf-8", "replace") if isinstance(n, bytes) else str(n) for n in _axes(data)]
    named = [n for n in names if n != "."]
    if len(names) != counts.ndim or not 1 <= len(names) <= 4 or len(set(named)) != len(named):
        raise BadFile(f"{len(names)} axes do not fit {counts.ndim} dimensions", where=where, todo=_TODO)
    place = next((i for i, n in enumerate(names) if n == "energy"), None)
    if place is None:
        place = next((i for i, n in enumerate(names) if "energy" in n.lower()), None)
    if place is None:
        raise BadFile("None of its axes holds energies", where=where, todo=_TODO)
    meta = _meta(entry, name, definition, signal, data, path)
    photon = meta.photon_energy or options.photon_energy
    energies = _array(data, names[place], path)
    field = _open(data, names[place], path)
    if _attribute(field, "units").lower() not in _EV or energies.shape != (counts.shape[place],):
        raise BadFile("Its energies have no unit eV or do not fit the data", where=where, todo=_TODO)
    quantity = _quantity(field, names[place], options, where)
    axis, order, notes = instrument.energy_axis(energies, quantity, where, photon)
    counts = np.moveaxis(counts, place, -1)[..., order]
    navigation = []
    others = [n for i, n in enumerate(names) if i != place]
    for dimension, other in enumerate(others):
        along, turn, note = _navigation(data, other, counts.shape[dimension], path)
        counts = np.flip(counts, dimension) if turn else counts
        navigation.append(along)
        notes.append(("series", note))
    described = Meta(**{**vars(meta), "photon_energy": photon, "extra": (*meta.extra, *notes)})
    noise = instrument.noise(counts, meta.intensity_unit, meta.live_time)
    return Spectrum(axis, counts, noise, described, None, tuple(navigation))


def _plotted(entry: Any, path: Path, where: str) -> Any:
    """The data to plot: what `default` names, else the group "data", else the only one there is."""
    import h5py

    for name in (_attribute(entry, "default"), "data"):
        group = _open(entry, name, path) if name and "/" not in name else None
        if isinstance(group, h5py.Group) and _attribute(group, "NX_class").startswith("NXdata"):
            return group
    found = _children(entry, path, "NXdata", "NXdata_mpes")
    if len(found) != 1:
        raise BadFile(f"The entry has {len(found)} groups of data and names none", where=where, todo=_TODO)
    return found[0]


def _axes(data: Any) -> np.ndarray:
    axes = data.attrs.get("axes", ())
    if isinstance(axes, str) and ":" in axes:
        axes = axes.split(":")
    return np.atleast_1d(axes)


def _quantity(field: Any, name: str, options: ReadOptions, where: str) -> Quantity:
    said = f"{_attribute(field, 'type')} {_attribute(field, 'long_name')} {name}".lower()
    stated = {word for word in ("binding", "kinetic") if word in said}
    if len(stated) == 1:
        return "binding_energy" if "binding" in stated else "kinetic_energy"
    if options.axis is not None:
        return options.axis
    raise AxisUnknown(
        "The file does not say whether its energies are binding or kinetic energies",
        where=where,
        todo="Choose the axis when opening",
    )


def _navigation(data: Any, name: str, count: int, path: Path) -> tuple[Axis, bool, str]:
    """The axis of a series, whether it must be turned round, and its name in the file; where it does not go steadily
    up or down, the places count."""
    import h5py

    field = _open(data, name, path) if name != "." else None
    values = _array(data, name, path) if isinstance(field, h5py.Dataset) else np.empty(0)
    steps = np.diff(values) if values.ndim == 1 else np.empty(0)
    if values.shape != (count,) or not (np.all(steps > 0) or np.all(steps < 0)):
        return Axis(np.arange(1.0, count + 1), "index", ""), False, f"{name}, counted"
    turn = bool(count > 1 and steps[0] < 0)
    unit = _attribute(field, "units")
    kind = next((q for _, q, units in _NAVIGATION if _fits(name, q, unit, units)), "index")
    plain = {"degree": "deg", "degrees": "deg", "°": "deg", "second": "s", "seconds": "s"}.get(unit.lower(), unit)
    return Axis(values[::-1] if turn else values, kind, plain), turn, name  # type: ignore[arg-type]


def _fits(name: str, quantity: str, unit: str, units: tuple[str, ...]) -> bool:
    """Whether unit and name of an axis are those of a quantity; an angle or a time is known by its unit alone."""
    return unit.lower() in units and (quantity in ("angle", "time") or quantity in name.lower())


def _meta(entry: Any, name: str, definition: str, signal: str, data: Any, path: Path) -> Meta:
    tools = _children(entry, path, "NXinstrument")
    beams = [b for tool in tools for b in _children(tool, path, "NXbeam")]
    # Where a pump laser is there too, the beam that is called probe or X-ray is meant.
    probes = [b for b in beams if any(word in b.name.lower() for word in ("probe", "xray", "x_ray"))] or beams
    analysers = [a for t in tools for a in _children(t, path, "NXelectronanalyser", "NXelectronanalyzer")]
    dispersions = [d for a in analysers for d in _children(a, path, "NXenergydispersion")]
    detectors = [d for a in analysers for d in _children(a, path, "NXdetector")]
    samples = _children(entry, path, "NXsample")
    users = _children(entry, path, "NXuser")
    field = _open(data, signal, path)
    written = _attribute(field, "units").replace("_", " ")
    unit = intensity_unit(written)
    title = _text(entry, "title", path)
    others = [n for n in list(data)[:_MAX_MEMBERS] if n != signal and n not in [str(a) for a in _axes(data)]]
    pairs = [
        ("definition", definition),
        ("entry", name),
        ("title", title),
        ("intensity unit", "" if unit else written or "the file does not say"),
        ("data not loaded", ", ".join(others)),
    ]
    photon = _value(probes, "incident_energy", path, _EV)
    return Meta(
        title=title or name,
        technique="xps",
        sample=_text(samples[0], "name", path) if samples else "",
        region=name,
        photon_energy=photon if photon is not None and photon < instrument.MAX_PHOTON else None,
        work_function=_value(analysers, "work_function", path, _EV),
        pass_energy=_value(dispersions, "pass_energy", path, _EV),
        dwell_time=_value(detectors, "count_time", path, {"s"}),
        analyser_mode=_text(dispersions[0], "energy_scan_mode", path) if dispersions else "",
        intensity_unit=unit or "arbitrary",
        instrument=_text(analysers[0], "name", path) if analysers else "",
        institution=_text(entry, "experiment_institution", path),
        operator=_text(users[0], "name", path) if users else "",
        date=_text(entry, "start_time", path),
        file=str(path),
        file_format=FORMAT,
        extra=instrument.notes(pairs),
    )


READER = Reader(
    name="nxmpes",
    title="NeXus NXmpes, NXxps",
    suffixes=(".nxs", ".h5", ".hdf5"),
    description="Entries of photoemission as pynxtools writes them: the data to plot, photon and pass energy, sample",
    sniff=sniff,
    read=read,
)
