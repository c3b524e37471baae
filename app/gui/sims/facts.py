"""What a ToF-SIMS measurement is and how far it goes, in words for the Process page."""

from __future__ import annotations

from fitting.dataset import AXIS_LABELS, Spectrum
from fitting.sims.kinds import kind_of

FACTS = ("Data", "Channels", "Along")
NOT_RECORDED = "not recorded"
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_NAMES = {"spectrum": "mass spectrum", "profile": "depth profile", "image": "image", "cube": "cube"}


def facts(spectrum: Spectrum) -> dict[str, str]:
    """Name and words of each fact."""
    kind, meta = kind_of(spectrum), spectrum.meta
    told = {"Data": _data(spectrum, kind), "Channels": _channels(spectrum)}
    if kind in ("profile", "cube"):
        told["Along"] = _along(spectrum)
    return {**told, "Instrument": meta.instrument or NOT_RECORDED, "Date": meta.date or NOT_RECORDED,
            "File": meta.file or NOT_RECORDED}


def _data(spectrum: Spectrum, kind: str) -> str:
    sizes = [len(axis) for axis in spectrum.navigation]
    if kind == "cube":
        return f"cube of {sizes[0]} scans, {sizes[1]} × {sizes[2]} pixels"
    if kind == "profile":
        return f"depth profile of {sizes[0]} points"
    name = "mass spectra" if kind == "spectrum" and sizes else _NAMES[kind]
    pixels = " × ".join(map(str, sizes))
    return f"{name} of {pixels} pixels" if sizes else name


def _channels(spectrum: Spectrum) -> str:
    if spectrum.axis.labels:
        return f"{len(spectrum.axis)} ions and other columns"
    first, last = float(spectrum.x[0]), float(spectrum.x[-1])
    return f"{len(spectrum.axis)} from {AXIS_LABELS[spectrum.axis.quantity]} {first:.6g} to {last:.6g}"


def _along(spectrum: Spectrum) -> str:
    told = [
        f"{AXIS_LABELS[axis.quantity]} {plain(axis.values[0])} to {plain(axis.values[-1])} {axis.unit}".strip()
        for axis in (*spectrum.navigation[:1], *spectrum.scales)
    ]
    return "\n".join(told)


def plain(value: float) -> str:
    """A number with four figures, large ones with a power of ten: "4.337·10⁹"."""
    text = f"{value:.4g}"
    if "e" not in text:
        return text
    number, power = text.split("e")
    return f"{number}·10" + str(int(power)).translate(_RAISED)
