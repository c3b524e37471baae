"""What the header of a VAMAS block says about the measurement: Meta and Noise.

Decisions
---------
Binding energy is photon energy minus the kinetic energy as written. The work function in the header is kept in Meta
but not subtracted a second time: the kinetic scale of a file counts from the Fermi level (one survey exported by SPECS
in two formats shows it: 136.61 eV kinetic in VAMAS is 1350 eV binding energy in text, at 1486.61 eV and with 4.1082 eV
in the header), and CasaXPS does the same.

Angles in VAMAS count from the upward z direction of the stage. The emission angle from the surface normal is therefore
the angle between the analyser axis and the sample normal (its tilt), not the "take-off polar angle" as such. Many
programs fill the geometry with zeros; source and analyser in the same direction are impossible and read as "not
recorded".
"""

from __future__ import annotations

import contextlib
import math
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Literal

import numpy as np

from app.files.casa import parse_comments
from app.files.vamas_lines import number_or_none
from app.files.vamas_syntax import FIELDS, Block, Experiment
from fitting.dataset import FloatArray, Meta, Noise, Technique
from libraries.elements import SYMBOLS

FORMAT = "VAMAS"
Unit = Literal["counts", "counts/s", "arbitrary"]

_TECHNIQUES: dict[str, Technique] = {"XPS": "xps", "UPS": "xps", "ELS": "eels", "SIMS": "sims", "SNMS": "sims"}
_RATE_UNITS = set("c/s cps counts/s counts/sec count/s s-1 1/s s^-1 hz".split()) | {"counts per second", "c s-1"}
_COUNT_UNITS = {"c", "d", "counts", "count", "cts", "n", ""}
_RATE_WORDS = re.compile(r"counts?\s*(per|/)\s*s(ec(ond)?)?\b|\bcps\b|\bc/s\b", re.IGNORECASE)
_NEUTRALISER = re.compile(r"^\s*charge\s+neutrali[sz](?:er|ation)\s*[:=]\s*(\S.*?)\s*$", re.IGNORECASE)
_SOURCE_ANGLE = re.compile(r"^\s*source\s*analy[sz]er\s*angle\s*[:=]\s*([-+0-9.eE]+)", re.IGNORECASE)
_EMISSION = re.compile(r"^(emission(\s+angle)?|angle|theta|tilt(\s+angle)?|polar(\s+angle)?)$", re.IGNORECASE)
_DEGREES = ("degree", "degrees", "deg", "d", "°", "n", "")
# Header fields that have a place of their own in Meta; the others go into Meta.extra under their name in the standard.
_PLACED = {
    "year", "month", "day of month", "hours", "minutes", "seconds", "analysis source label",
    "analysis source characteristic energy", "analyser mode", "analyser work function", "signal mode",
    "signal collection time", "number of scans", "transition or charge state label",
    "number of hours in advance of GMT",
}  # fmt: skip


def clean(text: str) -> str:
    """`text` without the words that stand for nothing."""
    plain = text.strip()
    return "" if plain.lower() in ("not specified", "not specified.", "n/a", "none", "unknown") else plain


def technique(block: Block) -> Technique:
    """Our technique for that of the block."""
    return _TECHNIQUES.get(block.values.get("technique", "").upper(), "other")


def photon_energy(block: Block) -> float | None:
    """Photon energy in eV, None where it is not recorded or the source is no photon source."""
    energy = block.number("analysis source characteristic energy")
    return energy if technique(block) == "xps" and energy is not None and 0 < energy < 1e6 else None


def intensity_unit(block: Block, label: str, unit: str) -> Unit:
    """Whether an ordinate holds counts or counts per second.

    The standard has only 'd' (dimensionless) for counts, and programs write it for rates too; so a rate is also
    recognised where the label of the ordinate or the name of the block says so in words.
    """
    plain = unit.strip().lower()
    if plain in _RATE_UNITS or _RATE_WORDS.search(label) or _RATE_WORDS.search(block.identifier):
        return "counts/s"
    analogue = "analog" in block.values.get("signal mode", "").lower()
    named = re.search(r"count|intensit|^c$", label.strip(), re.IGNORECASE)
    return "counts" if plain in _COUNT_UNITS and not analogue and (named or plain != "n") else "arbitrary"


def noise(block: Block, counts: FloatArray, unit: Unit) -> Noise:
    """The noise that the header and the digits allow to state.

    Whole counts of pulse counting are Poisson with gain 1; a rate is when rate x time are whole counts; where they are
    not (averaged, interpolated, corrected data), the factor is not known. Negative numbers are no counts at all.
    """
    if unit == "arbitrary" or not counts.size or counts.min() < 0:
        return Noise("unknown")
    pulses = "pulse" in block.values.get("signal mode", "").lower()
    live = _positive(block, "signal collection time"), _positive(block, "number of scans")
    if unit == "counts":
        gain = 1.0
    elif live[0] is None or live[1] is None:
        return Noise("poisson", None)
    else:
        gain = _inverse(live[0] * live[1])
    return Noise("poisson", gain if pulses and whole_events(counts, gain) else None)


def _inverse(value: float) -> float:
    return 1.0 / value if value > 0 and math.isfinite(1.0 / value) else 0.0


def whole_events(counts: FloatArray, gain: float) -> bool:
    """Whether intensities are whole multiples of `gain`, to the digits that files print."""
    if not (math.isfinite(gain) and gain > 0):
        return False
    with np.errstate(all="ignore"):
        events = counts / gain
        # Counts are written in full, rates are rounded.
        slack = 1e-9 * events if gain == 1.0 else 0.02
        return bool(np.all(np.abs(events - np.round(events)) <= slack))


def meta(block: Block, experiment: Experiment, path: Path, index: int, unit: Unit, rest: int) -> Meta:
    """Everything that the headers say."""
    species = clean(block.values.get("species label", ""))
    mode = clean(block.values.get("analyser mode", ""))
    energy = _positive(block, "analyser pass energy or retard ratio or mass resolution")
    emission, note = _emission_angle(block, experiment)
    return Meta(
        title=block.identifier,
        technique=technique(block),
        sample=clean(block.sample),
        region=clean(block.identifier),
        element=species if species in SYMBOLS else "",
        transition=clean(block.values.get("transition or charge state label", "")),
        photon_energy=photon_energy(block),
        source=clean(block.values.get("analysis source label", "")),
        work_function=block.number("analyser work function") or None,
        pass_energy=energy if mode.upper() not in _RATIO_MODES else None,
        dwell_time=_positive(block, "signal collection time"),
        sweeps=_positive(block, "number of scans"),
        emission_angle=emission,
        source_analyser_angle=_source_analyser_angle(block, experiment),
        analyser_mode=mode,
        signal_mode=clean(block.values.get("signal mode", "")),
        intensity_unit=unit,
        charge_state=_charge_state(block),
        instrument=clean(experiment.instrument),
        institution=clean(experiment.institution),
        operator=clean(experiment.operator),
        experiment=clean(experiment.experiment),
        date=_date(block),
        file=str(path),
        file_format=FORMAT,
        index=index,
        comments=block.comments,
        extra=(*_extra(block, experiment, rest), *note),
    )


# Fixed retard ratio and its names: the number beside the mode is then a ratio, not an energy.
_RATIO_MODES = ("FRR", "CRR")


def _positive(block: Block, name: str) -> float | None:
    value = block.number(name)
    return value if value is not None and value > 0 else None


def _date(block: Block) -> str:
    names = ("year", "month", "day of month", "hours", "minutes", "seconds")
    numbers = [block.number(name) for name in names]
    if any(n is None for n in numbers[:3]) or not numbers[0]:
        return ""
    offset = block.number("number of hours in advance of GMT")
    zone = timezone(timedelta(hours=offset)) if offset is not None and abs(offset) <= 14 else None
    with contextlib.suppress(ValueError, OverflowError):
        return datetime(*(int(n or 0) for n in numbers), tzinfo=zone).isoformat()  # type: ignore[misc, arg-type]
    return ""


def _charge_state(block: Block) -> str:
    for line in block.comments:
        found = _NEUTRALISER.match(line)
        if found:
            return f"neutraliser {found[1].lower()}"
    return ""


def _direction(block: Block, polar: str, azimuth: str) -> tuple[float, float, float] | None:
    """Unit vector of a polar angle and an azimuth; the azimuth does not matter along the z direction."""
    angle, turn = block.number(polar), block.number(azimuth)
    if angle is None or (turn is None and angle != 0):
        return None
    theta, phi = math.radians(angle), math.radians(turn or 0.0)
    return math.sin(theta) * math.cos(phi), math.sin(theta) * math.sin(phi), math.cos(theta)


def _angle(a: tuple[float, float, float], b: tuple[float, float, float]) -> float:
    cosine = sum(p * q for p, q in zip(a, b, strict=True))
    return round(math.degrees(math.acos(max(-1.0, min(1.0, cosine)))), 6)


def _axes(block: Block) -> tuple[tuple[float, float, float] | None, tuple[float, float, float] | None]:
    """Directions of source and analyser; none where both are given as the same."""
    source = _direction(block, "analysis source polar angle of incidence", "analysis source azimuth")
    analyser = _direction(block, "analyser axis take off polar angle", "analyser axis take off azimuth")
    if source is not None and analyser is not None and _angle(source, analyser) < 1.0:
        return None, None
    return source, analyser


def _source_analyser_angle(block: Block, experiment: Experiment) -> float | None:
    for line in (*block.comments, *experiment.comments):
        found = _SOURCE_ANGLE.match(line)
        value = number_or_none(found[1]) if found else None
        if value:
            return value
    source, analyser = _axes(block)
    return None if source is None or analyser is None else _angle(source, analyser)


def _emission_angle(block: Block, experiment: Experiment) -> tuple[float | None, tuple[tuple[str, str], ...]]:
    """Angle from the surface normal, and a note where it does not come from the fields meant for it."""
    for (label, unit), text in zip(experiment.variables, block.variables, strict=False):
        value = number_or_none(text)
        if value is None or unit.strip().lower() not in _DEGREES:
            continue
        if _EMISSION.match(label.strip()):
            return value, (("emission_angle", f"from the experimental variable '{label}'"),)
        if "take" in label.lower() and "off" in label.lower():
            # Counted from the surface by some programs and from the normal by others.
            return None, (("emission_angle", f"not taken from '{label}', which may count from the surface"),)
    analyser = _axes(block)[1]
    if analyser is None:
        return None, ()
    normal = _direction(block, "sample normal polar angle of tilt", "sample normal tilt azimuth") or (0.0, 0.0, 1.0)
    return _angle(analyser, normal), ()


def _extra(block: Block, experiment: Experiment, rest: int) -> tuple[tuple[str, str], ...]:
    pairs: list[tuple[str, str]] = []
    for (label, unit), value in zip(experiment.variables, block.variables, strict=False):
        pairs.append((f"variable:{label}", f"{value} {unit}".strip()))
    for name in FIELDS:
        text = block.values.get(name, "")
        if name not in _PLACED and text and _says_something(text):
            pairs.append((name, text))
    pairs += [(f"parameter:{label}", f"{value} {unit}".strip()) for label, unit, value in block.parameters]
    pairs += [("experiment mode", experiment.mode), ("scan mode", experiment.scan)]
    if experiment.regions:
        pairs.append(("number of spectral regions", experiment.regions))
    names = ("number of analysis positions", "number of x coordinates", "number of y coordinates")
    pairs += list(zip(names, experiment.positions, strict=False))
    if experiment.comments:
        pairs.append(("experiment comment", "\n".join(experiment.comments)))
    pairs += [("manually entered item", text) for text in experiment.manual]
    pairs += [("future upgrade experiment entry", text) for text in experiment.future]
    pairs += [("future upgrade block entry", text) for text in block.future]
    shift = parse_comments(line for line in block.comments if line.lstrip()[:5].lower() == "calib").shift
    if shift != 0:
        size = "of a size that the file does not give" if shift is None else f"of {shift:+g} eV"
        pairs.append(("CasaXPS calibration", f"{size}, not applied to this axis"))
    if rest:
        pairs.append(("not read", f"{rest} lines behind the end of the experiment"))
    return tuple(pairs)


def _says_something(text: str) -> bool:
    """False for 'no value' (1E37)."""
    try:
        value = float(text)
    except ValueError:
        return True
    return math.isfinite(value) and number_or_none(text) is not None
