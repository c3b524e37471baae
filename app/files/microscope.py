"""Electron energy-loss spectra of microscopes by RosettaSciIO: Gatan DM3/DM4, EMSA/MAS (.msa), HyperSpy, EMD, TIA.

The package reads the bytes; what is done here is to tell the formats by their content, to keep spectra on an energy
axis and nothing else (images, diffraction patterns, X-ray spectra are named and left out), and to take beam energy,
angles and exposure from where each format keeps them. What a file does not say stays unknown.
"""

from __future__ import annotations

import importlib
import logging
import math
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from app.files import microscope_large
from app.files.arrays import stored_in
from app.files.contents import check
from app.files.format import Reader, ReadOptions
from app.files.microscope_large import Lying
from fitting import stored
from fitting.dataset import Axis, Meta, Noise, Quantity, Spectrum
from fitting.stored import Stored
from libraries.errors import BadFile

# What the package has to read as a whole may be so large; images beyond `IN_MEMORY` stay in their file.
MAX_BYTES = 2 << 30
_HDF5 = b"\x89HDF\r\n\x1a\n"
_DAMAGED = "Export it again from the program that wrote it"
_SMALLER = "Export a part of it, or the image in a format that can stay on the disk (DM4, HyperSpy)"
_PLUGINS = {
    "digitalmicrograph": "Gatan DigitalMicrograph",
    "msa": "EMSA/MAS",
    "hspy": "HyperSpy",
    "emd": "EMD",
    "tia": "FEI TIA",
}
_UNITS = {"ev": 1.0, "kev": 1e3}
_LENGTHS = {"nm": 1.0, "µm": 1e3, "um": 1e3, "μm": 1e3, "å": 0.1, "a": 0.1, "pm": 1e-3, "m": 1e9}
# EMSA/MAS signal types (ISO 22029): ELS is this one; a file without a type says only its unit.
_EELS = {"EELS", "ELS"}
# A channel of an energy-loss spectrum; X-ray spectra have 5 to 20 eV.
_WIDEST_CHANNEL = 4.0
_DM_CONDITIONS = ("EELS", "Experimental Conditions")
_DM_ACQUISITION = ("EELS", "Acquisition")


def sniff(head: bytes, path: Path) -> float:
    """How sure it is that the file is one of these."""
    return 0.9 if _plugin(head, path) else 0.0


def _plugin(head: bytes, path: Path) -> str:
    """Which reader of the package fits the content; "" for none."""
    if head[:4] in (b"\x00\x00\x00\x03", b"\x00\x00\x00\x04"):
        flag = head[8:12] if head[3] == 3 else head[12:16]
        return "digitalmicrograph" if flag in (b"\x00\x00\x00\x00", b"\x00\x00\x00\x01") else ""
    if head[:7].upper() == b"#FORMAT" and b"EMSA/MAS" in head[:200].upper():
        return "msa"
    if head[:4] == b"II\x97\x01":
        return "tia"
    return _hdf5_plugin(path) if head.startswith(_HDF5) else ""


def _hdf5_plugin(path: Path) -> str:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            if "Experiments" in file and str(file.attrs.get("file_format", "")) == "HyperSpy":
                return "hspy"
            if "Data" in file and ("SpectrumStream" in file["Data"] or "Version" in file):
                return "emd"
            if "version_major" in file.attrs and "version_minor" in file.attrs:
                return "emd"
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError):
        return ""
    return ""


def read(path: Path, options: ReadOptions | None = None) -> list[Spectrum]:
    """All energy-loss spectra of a file; images become series with their lateral axes as navigation.

    Raises
    ------
    BadFile
        If the file is damaged, too large, or holds no energy-loss spectrum.
    """
    del options
    where = str(path)
    size = check(path)
    with path.open("rb") as file:
        plugin = _plugin(file.read(4096), path)
    found, left_out = [], []
    for index, signal in enumerate(_signals(plugin, path, size)):
        reason = _unfit(signal, plugin)
        if reason:
            left_out.append(f"{_title(signal) or f'signal {index + 1}'}: {reason}")
            continue
        found.append(_spectrum(signal, plugin, path, len(found)))
    if not found:
        told = "; ".join(left_out) or "it is empty"
        raise BadFile(f"The file holds no energy-loss spectrum ({told})", where=where, todo="Export the EELS data")
    if left_out:
        extra = tuple(("left out", text[:200]) for text in left_out)
        found = [s.with_(meta=replace(s.meta, extra=(*s.meta.extra, *extra))) for s in found]
    return found


def _signals(plugin: str, path: Path, size: int) -> list[dict[str, Any]]:
    """What the package reads; whatever it raises is a damaged file."""
    logging.getLogger("rsciio").setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            large = microscope_large.signals(plugin, path)
            if large is not None:
                return large
            if size > MAX_BYTES:
                raise BadFile(f"The file is larger than {MAX_BYTES >> 30} GB", where=str(path), todo=_SMALLER)
            return list(importlib.import_module(f"rsciio.{plugin}").file_reader(str(path)))
    except BadFile:
        raise
    except Exception as error:  # the package raises whatever its parsers raise
        what = f"The {_PLUGINS[plugin]} file cannot be read ({type(error).__name__}: {str(error)[:120]})"
        raise BadFile(what, where=str(path), todo=_DAMAGED) from error


def _energy(axes: list[Mapping[str, Any]], plugin: str) -> int | None:
    """Which axis is the energy: the only one that is not of pixels, or of several the only one in eV.

    DigitalMicrograph writes a spectrum image as one image for each channel, energy first, and EMD of NCEM does not say
    which axes are pixels.
    """
    own = [i for i, axis in enumerate(axes) if not axis.get("navigate", False)]
    if len(own) == 1:
        return own[0]
    found = [i for i, axis in enumerate(axes) if _unit(axis) in _UNITS]
    camera = len(axes) == 2 and plugin != "emd"
    return found[0] if len(found) == 1 and not camera else None


def _unit(axis: Mapping[str, Any]) -> str:
    return str(axis.get("units") or "").strip().lower()


def _unfit(signal: Mapping[str, Any], plugin: str) -> str:
    """Why a signal is no energy-loss spectrum; "" if it is one."""
    axes = list(signal["axes"])
    place = _energy(axes, plugin)
    if place is None:
        own = sum(not axis.get("navigate", False) for axis in axes)
        return f"it has {own} signal axes"
    if sum(i != place and int(axis.get("size") or 0) != 1 for i, axis in enumerate(axes)) > 2:
        return f"it has {len(axes)} dimensions"
    unit = _unit(axes[place])
    kind = str(_at(signal.get("metadata", {}), "Signal", "signal_type") or "").upper()
    kind = kind or str(_at(signal.get("original_metadata", {}), "SIGNALTYPE") or "").upper()
    if kind and kind not in _EELS:
        return f"its signal is {kind}"
    if unit not in _UNITS:
        return f"its axis is in {unit or 'no unit'}, not in eV"
    if not kind and abs(float(axes[place].get("scale", 1.0))) * _UNITS[unit] > _WIDEST_CHANNEL:
        return "it does not say that it is EELS, and its channels are as wide as those of X-ray spectra"
    if _array(signal["data"]).dtype.kind not in "iuf":
        return "its data are no real numbers"
    return ""


def _array(data: Any) -> Any:
    return data if isinstance(data, Lying) else np.asarray(data)


def _spectrum(signal: Mapping[str, Any], plugin: str, path: Path, index: int) -> Spectrum:
    where = str(path)
    axes = list(signal["axes"])
    data = _array(signal["data"])
    place = _energy(axes, plugin)
    if data.ndim != len(axes) or place is None:
        raise BadFile(f"{data.ndim} dimensions of data do not fit {len(axes)} axes", where=where, todo=_DAMAGED)
    if not data.size or data.shape[place] < 2:
        raise BadFile("The spectrum has no channels", where=where, todo=_DAMAGED)
    lateral = [i for i in range(data.ndim) if i != place and data.shape[i] > 1]
    energies = _values(axes[place], data.shape[place], where) * _UNITS[_unit(axes[place])]
    # Channels turn round with a falling energy, pixels with a falling length.
    flips = (*(_falls(axes[i], data.shape[i], where) for i in lateral), bool(energies[0] > energies[-1]))
    navigation = tuple(_navigation(axes[i], data.shape[i], where) for i in lateral)
    counts = _counts(data, (*lateral, place), flips)
    if isinstance(counts, np.ndarray) and counts.dtype.kind == "f" and not np.all(np.isfinite(counts)):
        raise BadFile("The spectrum holds numbers that are not finite", where=where, todo=_DAMAGED)
    return Spectrum(
        Axis(energies[::-1] if flips[-1] else energies, "energy_loss", "eV"), counts, Noise("poisson", None),
        _meta(signal, plugin, path, index), navigation=navigation,
    )  # fmt: skip


def _counts(data: Any, order: tuple[int, ...], flips: tuple[bool, ...]) -> np.ndarray | Stored:
    """Intensities with pixels first and ascending energies last, in memory or where they lie."""
    if isinstance(data, Lying):
        wanted = tuple(data.order[i] for i in order)
        there = stored_in(
            data.path, data.dataset, data.inside, data.dtype, order=wanted, flips=flips, offset=data.offset
        )
        if microscope_large.bytes_in_memory(data.inside, data.dtype) > stored.IN_MEMORY:
            return there
        data = there.read(0, math.prod(there.shape[:-1])).reshape(there.shape)
    else:
        rest = tuple(i for i in range(data.ndim) if i not in order)
        data = data.transpose(order + rest).reshape([data.shape[i] for i in order])
        data = data[tuple(slice(None, None, -1) if flip else slice(None) for flip in flips)]
    return data if data.dtype.kind in "iu" else data.astype(np.float64)


def _values(axis: Mapping[str, Any], size: int, where: str) -> np.ndarray:
    """The numbers of an axis: its own list, or start and step."""
    listed = axis.get("axis")
    values = np.asarray(listed, float) if listed is not None else _linear(axis, size)
    if values.shape != (size,) or not np.all(np.isfinite(values)):
        raise BadFile("An axis does not fit the data", where=where, todo=_DAMAGED)
    steps = np.diff(values)
    if size > 1 and not (np.all(steps > 0) or np.all(steps < 0)):
        raise BadFile("An axis neither rises nor falls steadily", where=where, todo=_DAMAGED)
    return values


def _linear(axis: Mapping[str, Any], size: int) -> np.ndarray:
    return float(axis.get("offset") or 0.0) + float(axis.get("scale") or 0.0) * np.arange(size)


def _falls(axis: Mapping[str, Any], size: int, where: str) -> bool:
    """Whether a lateral axis in lengths falls."""
    if str(axis.get("units") or "").strip().lower() not in _LENGTHS or not axis.get("scale"):
        return False
    values = _values(axis, size, where)
    return bool(values[0] > values[-1])


def _navigation(axis: Mapping[str, Any], size: int, where: str) -> Axis:
    """A lateral axis in nm, or plain numbers where the file gives no length."""
    unit = str(axis.get("units") or "").strip()
    factor = _LENGTHS.get(unit.lower())
    quantity: Quantity = "distance" if factor else "index"
    if factor is None or not axis.get("scale"):
        return Axis(np.arange(size, dtype=float), "index", "")
    values = _values(axis, size, where) * factor
    return Axis(values if values[0] <= values[-1] else values[::-1], quantity, "nm")


def _meta(signal: Mapping[str, Any], plugin: str, path: Path, index: int) -> Meta:
    known, original = signal.get("metadata", {}), signal.get("original_metadata", {})
    tags = _at(original, "ImageList", "TagGroup0", "ImageTags") or {}
    tem = _at(known, "Acquisition_instrument", "TEM") or {}
    eels = _at(tem, "Detector", "EELS") or {}
    volts = _number(_at(tags, "Microscope Info", "Voltage"))
    volts = volts or _number(_float(_at(original, "Optics", "AccelerationVoltage")))  # Velox
    beam = _number(tem.get("beam_energy")) or (volts / 1e3 if volts else None) or _number(original.get("BEAMKV"))
    exposure = _seconds(eels, "exposure") or _seconds(eels, "dwell_time") or _first(
        _at(tags, *_DM_ACQUISITION, "Exposure (s)"), _at(tags, "SIm", "Acquisition", "Spectrometer", "Exposure Time")
    )  # fmt: skip
    frames = _first(eels.get("frame_number"), _at(tags, *_DM_ACQUISITION, "Number of frames"))
    extra = []
    if not str(_at(known, "Signal", "signal_type") or ""):
        extra.append(("technique", "taken for EELS: the file says only that its axis is in eV"))
    scale = _number(_at(original, "ImageList", "TagGroup0", "ImageData", "Calibrations", "Brightness", "Scale"))
    unit = _at(original, "ImageList", "TagGroup0", "ImageData", "Calibrations", "Brightness", "Units")
    if scale and scale != 1.0:
        extra.append(("intensity scale", f"{scale:g} {unit or ''} a count".strip()))
    collection = _first(
        eels.get("collection_angle"), _at(tags, *_DM_CONDITIONS, "Collection semi-angle (mrad)"),
        original.get("COLLANGLE"),
    )  # fmt: skip
    convergence = _first(
        tem.get("convergence_angle"), _at(tags, *_DM_CONDITIONS, "Convergence semi-angle (mrad)"),
        original.get("CONVANGLE"), zero=True,
    )  # fmt: skip
    title = _title(signal) or path.stem
    return Meta(
        title=title, technique="eels", region=title, beam_energy=beam, collection_angle=collection,
        convergence_angle=convergence, dwell_time=exposure,
        sweeps=frames, instrument=_text(_at(tags, "Microscope Info", "Microscope") or tem.get("microscope")),
        operator=_text(_at(tags, "Microscope Info", "Operator")),
        sample=_text(_at(tags, "Microscope Info", "Specimen")),
        date=_text(_at(known, "General", "date")), file=path.name,
        file_format=_PLUGINS[plugin], index=index, extra=tuple(extra),
    )  # fmt: skip


def _title(signal: Mapping[str, Any]) -> str:
    return _text(_at(signal.get("metadata", {}), "General", "title"))


def _at(tree: Any, *names: str) -> Any:
    """What stands at a path of nested mappings; None where it ends earlier."""
    for name in names:
        if not isinstance(tree, Mapping) or name not in tree:
            return None
        tree = tree[name]
    return tree


def _number(value: Any) -> float | None:
    """A number above zero, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        return None
    number = float(value)
    return number if math.isfinite(number) and number > 0 else None


def _float(text: Any) -> float | None:
    """The number of a text, None where it is none."""
    try:
        return float(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _seconds(tree: Mapping[str, Any], name: str) -> float | None:
    """A time in s; EMSA/MAS files count in ms (ISO 22029), and the package says so beside the number."""
    value = _number(tree.get(name))
    return value * 1e-3 if value is not None and tree.get(f"{name}_units") == "ms" else value


def _first(*values: Any, zero: bool = False) -> float | None:
    """The first of some values that is a number above zero (or zero, where that means something)."""
    for value in values:
        found = _number(value)
        if found is not None or (zero and isinstance(value, (int, float)) and float(value) == 0.0):
            return found if found is not None else 0.0
    return None


def _text(value: Any) -> str:
    return value.strip()[:200] if isinstance(value, str) else ""


READER = Reader(
    name="microscope",
    title="EELS of microscopes",
    suffixes=(".dm3", ".dm4", ".msa", ".ems", ".hspy", ".emd", ".ser"),
    description="Energy-loss spectra and images of DigitalMicrograph, EMSA/MAS, HyperSpy, EMD (Velox, NCEM) and TIA",
    sniff=sniff,
    read=read,
)
