"""VAMAS (ISO 14976) files: each block becomes one Spectrum."""

from __future__ import annotations

import codecs
from dataclasses import replace
from pathlib import Path

import numpy as np

from app.files import vamas_meta
from app.files.contents import read_bytes, read_text
from app.files.format import Reader, ReadOptions
from app.files.vamas_syntax import Block, Experiment, parse
from fitting.dataset import Axis, FloatArray, Quantity, Spectrum
from libraries.errors import BadData, BadFile
from libraries.units import binding_from_kinetic

# Energies are printed with at most so many decimals; rounding there removes the dust of the subtraction
# (1349.9999999999998), so that values equal those of other exports and conversions reverse exactly.
DECIMALS = 9
_KINETIC = ("kinetic", "ke", "ekin", "e kin", "e_kin")
_INTENSITIES = ("intensity", "count", "cps", "signal", "yield")
_BINDING = ("binding", "be", "ebin", "e bin", "e_b")


def sniff(head: bytes, path: Path) -> float:
    """1 for a file whose first words are those of the standard."""
    del path
    start = head[:400]
    if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        start = start.decode("utf-16", "replace").encode("ascii", "replace")
    return 1.0 if start.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(b"vamas surface chemical analysis") else 0.0


def read(path: Path, options: ReadOptions | None = None) -> list[Spectrum]:
    """All blocks of a VAMAS file (which says everything itself, so that no option is needed).

    Raises
    ------
    BadFile
        Naming block and line, where the file breaks the grammar, ends too early, or holds maps instead of spectra.
    """
    del options
    experiment, blocks, rest = parse(read_text(path, read_bytes(path)), str(path))
    if experiment.scan == "MAPPING" and blocks:
        raise BadFile(
            "The file holds maps (scan mode MAPPING), not spectra",
            where=str(path),
            todo="Export the spectra of the map, scan mode REGULAR",
        )
    if not blocks:
        raise BadFile("The file holds no block", where=str(path), todo="Export it again with its spectra")
    return [_spectrum(block, experiment, path, index, rest) for index, block in enumerate(blocks)]


def _spectrum(block: Block, experiment: Experiment, path: Path, index: int, rest: int) -> Spectrum:
    where = f"{path}, block {index + 1} '{block.identifier[:60]}'"
    if not len(block.data):
        raise BadFile("The block holds no point", where=where, todo="Export the file without empty blocks")
    abscissa, intensity, transmission, others = _roles(block, where)
    axis, order, notes = _axis(block, abscissa, where)
    label, unit = block.ordinates[intensity]
    counts = block.data[order, intensity]
    kind = vamas_meta.intensity_unit(block, label, unit)
    try:
        noise = vamas_meta.noise(block, counts, kind)
        meta = vamas_meta.meta(block, experiment, path, index, kind, rest)
        curve, more = _transmission(block, transmission, order)
        notes += [("ordinate", f"{label} [{unit}]"), *more]
        notes += [(f"ordinate not loaded:{block.ordinates[i][0]}", block.ordinates[i][1]) for i in others]
        return Spectrum(axis, counts, noise, replace(meta, extra=(*meta.extra, *notes)), curve)
    except BadData as error:
        raise BadFile(error.what, where=where, todo="Export the file again") from error


def _roles(block: Block, where: str) -> tuple[int | None, int, int | None, list[int]]:
    """Which ordinate is abscissa (irregular scans only), intensity and transmission, and the others."""
    labels = [label.strip().lower() for label, _ in block.ordinates]
    left = list(range(len(labels)))
    abscissa = None
    if block.abscissa is None:
        energies = [i for i in left if "energy" in labels[i] or quantity_of(labels[i]) is not None]
        abscissa = energies[0] if energies else 0
        left.remove(abscissa)
    transmissions = [i for i in left if "transmission" in labels[i]]
    intensities = [i for i in left if i not in transmissions]
    if not intensities:
        raise BadFile("The block holds no intensity", where=where, todo="Export the file with its counts")
    named = [i for i in intensities if any(word in labels[i] for word in _INTENSITIES)]
    intensity = (named or intensities)[0]
    transmission = transmissions[0] if transmissions else None
    return abscissa, intensity, transmission, [i for i in left if i not in (intensity, transmission)]


def quantity_of(label: str) -> Quantity | None:
    """The quantity that an abscissa label names, None where it names none we know."""
    plain = label.strip().lower()
    if "kinetic" in plain or plain in _KINETIC:
        return "kinetic_energy"
    if "binding" in plain or plain in _BINDING:
        return "binding_energy"
    for word, quantity in _OTHER:
        if word in plain:
            return quantity
    return None


_OTHER: tuple[tuple[str, Quantity], ...] = (
    ("loss", "energy_loss"),
    ("depth", "depth"),
    ("time", "time"),
    ("angle", "angle"),
    ("distance", "distance"),
    ("position", "distance"),
    ("channel", "channel"),
)


def _axis(block: Block, abscissa: int | None, where: str) -> tuple[Axis, np.ndarray, list[tuple[str, str]]]:
    """Ascending axis, the order in which points of the file lie on it, and notes."""
    if block.abscissa is not None:
        label, unit, start, step = block.abscissa
        if step == 0 and len(block.data) > 1:
            raise BadFile("The abscissa increment is 0", where=where, todo="Export the file again")
        values = regular(start, step, len(block.data))
    else:
        label, unit = block.ordinates[abscissa or 0]
        values = block.data[:, abscissa or 0]
    check_energies(values, where)
    quantity, notes = _quantity(block, label, unit)
    values, quantity, notes = _to_binding(block, values, quantity, notes)
    order = np.argsort(values, kind="stable")
    steps = np.diff(values[order])
    if np.any(steps <= 0):
        point = int(order[int(np.argmax(steps <= 0)) + 1])
        line = block.line + point * len(block.ordinates)
        raise BadFile(
            f"Two points lie at {values[point]:g} {unit}",
            where=f"{where}, line {line}",
            todo="Export the file with one value for each energy",
        )
    # REGULAR and IRREGULAR scans run up or down; anything else was put in order and is said so.
    if len(values) > 2 and not (np.all(np.diff(values) > 0) or np.all(np.diff(values) < 0)):
        notes.append(("axis order", "the points of the file were not in order; sorted"))
    return Axis(values[order], quantity, _UNITS.get(unit.lower(), unit)), order, notes


_UNITS = {"ev": "eV", "degree": "deg", "degrees": "deg", "d": "", "n": ""}


def regular(start: float, step: float, count: int) -> FloatArray:
    """The abscissa of a REGULAR scan."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.round(start + step * np.arange(count), DECIMALS)


def check_energies(values: FloatArray, where: str) -> None:
    """Refuse numbers with which no instrument can have measured (and with which differences overflow).

    Raises
    ------
    BadFile
        If a value is not finite or larger than 1e12.
    """
    if not np.all(np.abs(values) <= 1e12):
        raise BadFile("The energies are absurdly large", where=where, todo="Export the file again")


def binding(kinetic: FloatArray, photon_energy: float) -> FloatArray:
    """Binding energies of a kinetic scale that counts from the Fermi level."""
    return np.round(binding_from_kinetic(kinetic, photon_energy), DECIMALS)


def _quantity(block: Block, label: str, unit: str) -> tuple[Quantity, list[tuple[str, str]]]:
    quantity = quantity_of(label)
    if quantity is not None:
        return quantity, []
    if vamas_meta.technique(block) == "xps" and unit.strip().lower() in ("ev", ""):
        # The standard's examples of electron spectra are kinetic energies; that it is assumed is said with the data.
        return "kinetic_energy", [("axis", f"assumed: kinetic energy; the file says '{label}'")]
    return "channel", [("axis", f"'{label}' [{unit}]")]


def _to_binding(
    block: Block, values: FloatArray, quantity: Quantity, notes: list[tuple[str, str]]
) -> tuple[FloatArray, Quantity, list[tuple[str, str]]]:
    photon = vamas_meta.photon_energy(block)
    if quantity != "kinetic_energy" or photon is None:
        return values, quantity, notes
    return binding(values, photon), "binding_energy", [*notes, ("abscissa", "kinetic energy")]


def _transmission(
    block: Block, column: int | None, order: np.ndarray
) -> tuple[FloatArray | None, list[tuple[str, str]]]:
    if column is None:
        return None, []
    curve = block.data[order, column]
    label, unit = block.ordinates[column]
    if np.any(curve <= 0):
        return None, [("transmission", "not used: it holds numbers that are not above zero")]
    return curve, [("transmission", f"{label} [{unit}]")]


READER = Reader(
    name="vamas",
    title="VAMAS (ISO 14976)",
    suffixes=(".vms", ".npl"),
    description="Spectra of most XPS instruments and of CasaXPS, with regions, components and transmission function",
    sniff=sniff,
    read=read,
)
