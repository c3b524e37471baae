"""Writing VAMAS (ISO 14976): experiment mode NORM, one block a spectrum.

The abscissa is kinetic energy where the photon energy is known and the conversion back gives exactly the same binding
energies; otherwise the axis as it is. The scan mode is REGULAR where start and increment give back every axis exactly,
else IRREGULAR with the energies as first ordinate, as CasaXPS writes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from app.files.atomic import write_text
from app.files.csv_table import number
from app.files.vamas import DECIMALS, binding, regular
from app.files.vamas_lines import NO_VALUE
from app.files.vamas_syntax import COMMENTS, END, ITEMS, MAGIC, ORDINATES, PARAMETERS, VARIABLES
from fitting.dataset import AXIS_LABELS, FloatArray, Spectrum
from libraries.errors import BadData
from libraries.units import kinetic_from_binding

_NOTHING = "1E+37"
_TECHNIQUES = {"xps": "XPS", "eels": "ELS", "sims": "SIMS", "other": "XPS"}
_ABSCISSA = 31
_UNITS = {"counts": "d", "counts/s": "c/s", "arbitrary": "n"}
_VAMAS_UNITS = {"deg": "degree", "": "d"}


@dataclass(frozen=True, eq=False)
class _Scale:
    """The abscissa of one block: label, unit, values in the order of the axis, and start and increment if regular."""

    label: str
    unit: str
    values: FloatArray
    regular: tuple[float, float] | None


def write_vamas(path: str | Path, spectra: Sequence[Spectrum], comment: Sequence[str] = ()) -> None:
    """Write spectra as one VAMAS experiment.

    Parameters
    ----------
    path : path
        The file to make or replace.
    spectra : sequence of Spectrum
        Single spectra; each becomes a block with counts and, where known, transmission function. Comment lines are
        written as they are (CasaXPS regions and components among them).
    comment : sequence of str
        Comment lines of the experiment; by default those of the file that the first spectrum was read from.

    Raises
    ------
    BadData
        If there is no spectrum, one is a series, or a technique or value cannot be written.
    CannotWrite
        If the file cannot be written.
    """
    if not spectra:
        raise BadData("There is no spectrum to write", where=str(path))
    for spectrum in spectra:
        _check(spectrum)
    scales = [_scale(spectrum) for spectrum in spectra]
    scan = "REGULAR" if all(scale.regular for scale in scales) else "IRREGULAR"
    variables = _variables(spectra)
    lines = _header(spectra[0], scan, variables, comment, len(spectra))
    for spectrum, scale in zip(spectra, scales, strict=True):
        lines += _block(spectrum, scale, scan, variables)
    lines.append(END)
    write_text(path, "\r\n".join(lines) + "\r\n")


def _check(spectrum: Spectrum) -> None:
    if spectrum.counts.ndim != 1:
        raise BadData("A series cannot be one VAMAS block", where=spectrum.name, todo="Write its members one by one")
    if spectrum.meta.technique not in ("xps", "eels", "other"):
        raise BadData("VAMAS is written for XPS and electron loss only", where=spectrum.name, todo="Write HDF5 instead")
    if np.any(np.abs(spectrum.y) >= 0.99 * NO_VALUE):
        raise BadData("A value is too large for VAMAS, where 1E37 stands for none", where=spectrum.name)


def _scale(spectrum: Spectrum) -> _Scale:
    axis, photon = spectrum.axis, spectrum.meta.photon_energy
    candidates = []
    if axis.quantity == "binding_energy" and photon:
        kinetic = np.round(kinetic_from_binding(axis.values, photon), DECIMALS)
        if np.array_equal(binding(kinetic, photon), axis.values):
            candidates.append(_Scale("Kinetic Energy", "eV", kinetic, None))
    if axis.quantity != "kinetic_energy" or not photon:
        candidates.append(_Scale(AXIS_LABELS[axis.quantity], _VAMAS_UNITS.get(axis.unit, axis.unit), axis.values, None))
    if not candidates:
        raise BadData(
            "Kinetic energies with a photon energy would be read back as binding energies",
            where=spectrum.name,
            todo="Convert the axis to binding energy first",
        )
    for scale in candidates:
        start_step = _start_step(scale.values)
        if start_step:
            return _Scale(scale.label, scale.unit, scale.values, start_step)
    return candidates[0]


def _start_step(values: FloatArray) -> tuple[float, float] | None:
    """Start (of the point with the lowest number on an ascending scale) and increment that give the values exactly."""
    ascending = values if len(values) < 2 or values[1] > values[0] else values[::-1]
    intervals = len(values) - 1
    step = float(np.round((ascending[-1] - ascending[0]) / intervals, DECIMALS)) if intervals else 1.0
    start = float(ascending[0])
    same = step > 0 and np.array_equal(regular(start, step, len(values)), ascending)
    return (start, step) if same else None


def _variables(spectra: Sequence[Spectrum]) -> list[tuple[str, str]]:
    """Label and unit of the experimental variables; their units stand behind the values in Meta.extra."""
    found: dict[str, str] = {}
    for spectrum in spectra:
        for name, text in spectrum.meta.extra:
            if name.startswith("variable:"):
                found.setdefault(name[len("variable:") :], text.partition(" ")[2])
    return [(label, unit or "d") for label, unit in found.items()] or [("Exp Variable", "d")]


def _header(
    first: Spectrum, scan: str, variables: list[tuple[str, str]], comment: Sequence[str], blocks: int
) -> list[str]:
    meta = first.meta
    extra = dict(meta.extra)
    lines = list(comment) or extra.get("experiment comment", "").split("\n") * ("experiment comment" in extra)
    if meta.source_analyser_angle is not None and not any("sourceanalyserangle" in line.lower() for line in lines):
        lines.append(f"SourceAnalyserAngle: {number(meta.source_analyser_angle)} d")
    return [
        MAGIC,
        *(_line(text) or "Not Specified" for text in (meta.institution, meta.instrument, meta.operator)),
        _line(meta.experiment) or "Not Specified",
        str(len(lines)),
        *map(_comment, lines),
        "NORM",
        scan,
        "0",
        str(len(variables)),
        *(_line(text) for pair in variables for text in pair),
        *("0", "0", "0", "0"),
        str(blocks),
    ]


def _block(spectrum: Spectrum, scale: _Scale, scan: str, variables: list[tuple[str, str]]) -> list[str]:
    meta = spectrum.meta
    extra = dict(meta.extra)
    values = _values(spectrum)
    columns: list[tuple[str, str, FloatArray]] = []
    if scan == "IRREGULAR":
        columns.append((scale.label, scale.unit, scale.values))
    columns.append(("Intensity", _UNITS[meta.intensity_unit], spectrum.y))
    if spectrum.transmission is not None:
        columns.append(("Transmission", "d", spectrum.transmission))
    # Points run along the rising abscissa, as instruments write them.
    turn = slice(None) if len(scale.values) < 2 or scale.values[1] > scale.values[0] else slice(None, None, -1)
    lines = [_line(spectrum.name), _line(meta.sample) or "Not Specified"]
    for item in ITEMS:
        if item.number == COMMENTS:
            lines += [str(len(meta.comments)), *map(_comment, meta.comments)]
        elif item.number == VARIABLES:
            lines += [extra.get(f"variable:{label}", _NOTHING).partition(" ")[0] for label, _ in variables]
        elif item.number == _ABSCISSA:
            if scan == "REGULAR" and scale.regular:
                lines += [scale.label, scale.unit, *map(number, scale.regular)]
        elif item.number == ORDINATES:
            lines += [str(len(columns)), *(text for label, unit, _ in columns for text in (label, unit))]
        elif item.number == PARAMETERS:
            lines += _parameters(meta.extra)
        elif item.there("NORM", values["technique"]):
            lines += [_line(values.get(name, _NOTHING)) for name in item.fields]
    lines.append(str(len(columns) * len(spectrum.axis)))
    for _, _, array in columns:
        lines += [number(float(array.min())), number(float(array.max()))]
    table = np.column_stack([array[turn] for _, _, array in columns])
    return [*lines, *map(number, table.ravel().tolist())]


def _values(spectrum: Spectrum) -> dict[str, str]:
    """Fields of the block: what the file that was read said, overruled by Meta."""
    meta = spectrum.meta
    values = {name: text for name, text in meta.extra if ":" not in name}
    values.setdefault("technique", _TECHNIQUES[meta.technique])
    stated: dict[str, float | str | None] = {
        "analysis source label": meta.source,
        "analysis source characteristic energy": meta.photon_energy,
        "analyser mode": meta.analyser_mode or "FAT",
        "analyser work function": meta.work_function,
        "species label": meta.element or values.get("species label", ""),
        "transition or charge state label": meta.transition,
        "signal mode": meta.signal_mode or "pulse counting",
        "signal collection time": meta.dwell_time,
        "number of scans": meta.sweeps,
    }
    if meta.pass_energy is not None:
        stated["analyser pass energy or retard ratio or mass resolution"] = meta.pass_energy
    if meta.emission_angle is not None and "emission_angle" not in values and not _tilted(values):
        # The stage lies flat: its z direction is the surface normal.
        stated["analyser axis take off polar angle"] = meta.emission_angle
        values.setdefault("analyser axis take off azimuth", "0")
        if values.get("analysis source polar angle of incidence") == "0":
            # Zeros that stand for nothing; beside a known emission angle they would look like a source on the axis.
            values["analysis source polar angle of incidence"] = _NOTHING
    for name, value in stated.items():
        values[name] = _NOTHING if value is None else number(value) if isinstance(value, float | int) else value
    values.setdefault("charge of detected particle", "-1")
    values.update(_date(meta.date))
    return values


def _tilted(values: dict[str, str]) -> bool:
    return values.get("sample normal polar angle of tilt", "0") not in ("0", _NOTHING)


def _date(text: str) -> dict[str, str]:
    names = ("year", "month", "day of month", "hours", "minutes", "seconds", "number of hours in advance of GMT")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return dict.fromkeys(names, "0") | {names[-1]: _NOTHING}
    offset = moment.utcoffset()
    zone = _NOTHING if offset is None else number(offset.total_seconds() / 3600)
    parts = (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second)
    return dict(zip(names, (*map(str, parts), zone), strict=True))


def _parameters(extra: tuple[tuple[str, str], ...]) -> list[str]:
    found = [(name[len("parameter:") :], text) for name, text in extra if name.startswith("parameter:")]
    lines = [str(len(found))]
    for label, text in found:
        value, _, unit = text.partition(" ")
        lines += [_line(label), _line(unit) or "d", _line(value)]
    return lines


def _line(text: str) -> str:
    """One line: anything that would end it becomes a blank."""
    return " ".join(text.splitlines()).strip()


def _comment(text: str) -> str:
    return text.replace("\r", " ").replace("\n", " ")
