"""What readers of instrument files share: numbers and dates of a text, the energy axis, the noise, series of sweeps.

Instruments write energies in one direction. Where a file does not rise or fall steadily it is damaged or misread, so it
is refused here; only column text of unknown origin is sorted (`app.files.columns`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal

import numpy as np

from app.files.columns_text import Scheme
from app.files.vamas import DECIMALS, binding, check_energies
from app.files.vamas_meta import whole_events
from fitting.dataset import Axis, FloatArray, Meta, Noise, Quantity, Spectrum
from libraries.errors import BadFile

DAMAGED = "The file is damaged or of a kind that is not known; export it again"
Unit = Literal["counts", "counts/s", "arbitrary"]
Pairs = list[tuple[str, str]]
# Larger photon energies belong to no laboratory or beamline for photoemission.
MAX_PHOTON = 1e6
# Intensities beyond this overflow when they are squared in single precision; no counter gets there.
MAX_INTENSITY = 1e18
# Longer texts are no notes of an analyst.
MAX_NOTE = 2000
# Different counts that by chance share a factor: less than once in a million cases.
_MANY = 20
_PLAIN = Scheme("", ".")


def number(text: str) -> float | None:
    """The finite number with a decimal point that `text` is, None where it is something else."""
    return _PLAIN.value(text.strip())


def positive(text: str) -> float | None:
    """The number above zero that `text` begins with ("55.00 eV"), None where it does not."""
    words = text.split()
    value = number(words[0]) if words else None
    return value if value is not None and value > 0 else None


def photon_energy(text: str) -> float | None:
    """A photon energy in eV, None where the text gives none that can be one."""
    value = positive(text)
    return value if value is not None and value < MAX_PHOTON else None


def whole(text: str, what: str, where: str, low: int = 0, high: int = 1_000_000_000) -> int:
    """The whole number that `text` is.

    Raises
    ------
    BadFile
        If it is none, or lies outside `low` to `high`.
    """
    value = number(text)
    if value is None or value != int(value) or not low <= value <= high:
        raise BadFile(f"{what} is '{text.strip()[:40]}'", where=where, todo=DAMAGED)
    return int(value)


def numbers(words: Sequence[str], what: str, where: str) -> FloatArray:
    """Words as finite numbers, shape (len(words),).

    Raises
    ------
    BadFile
        With the first word that is no number.
    """
    try:
        fast = np.array([float(word) for word in words], dtype=np.float64)
    except ValueError:
        fast = np.full(1, np.nan)
    if np.all(np.abs(fast) <= MAX_INTENSITY) and "_" not in "".join(words):
        return fast
    # Slower: a number as Fortran writes it, or the word to blame.
    values = [_PLAIN.value(word) for word in words]
    for word, value in zip(words, values, strict=True):
        if value is None or abs(value) > MAX_INTENSITY:
            kind = "not a number" if value is None else "absurdly large"
            raise BadFile(f"'{word[:40]}' is {kind}; {what} should be there", where=where, todo=DAMAGED)
    return np.array(values, dtype=np.float64)


def sane(stored: np.ndarray) -> bool:
    """Whether binary numbers can be intensities: finite and not absurdly large. Asked before they are converted, since
    converting some damaged numbers is itself an invalid operation."""
    return bool(np.all(np.isfinite(stored))) and bool(np.all(np.abs(stored.astype(np.float64)) <= MAX_INTENSITY))


def energy_axis(
    values: FloatArray, quantity: Quantity, where: str, photon: float | None = None
) -> tuple[Axis, slice, Pairs]:
    """Ascending axis in eV, the slice that puts intensities in its order, and notes.

    Parameters
    ----------
    values : array, shape (n,)
        Energies in eV as written, rising or falling.
    photon : float or None
        Photon energy in eV; turns kinetic into binding energies.

    Raises
    ------
    BadFile
        If the energies neither rise nor fall steadily, or are absurd.
    """
    check_energies(values, where)
    # As `app.files.vamas.regular`: the dust of the subtractions of other programs (-2.3e-13 for 0) goes.
    values = np.round(values, DECIMALS) + 0.0
    notes: Pairs = []
    if quantity == "kinetic_energy" and photon is not None:
        values, quantity = binding(values, photon), "binding_energy"
        notes.append(("abscissa", "kinetic energy"))
    steps = np.diff(values)
    order = slice(None, None, -1) if len(values) > 1 and steps[0] < 0 else slice(None)
    wrong = steps >= 0 if order.step else steps <= 0
    if np.any(wrong):
        point = int(np.argmax(wrong)) + 1
        raise BadFile(
            f"The energies neither rise nor fall steadily (point {point + 1})",
            where=where,
            todo="The file is damaged; export it again",
        )
    return Axis(values[order], quantity, "eV"), order, notes


def noise(counts: FloatArray, unit: Unit, live: float | None) -> Noise:
    """The noise that unit, digits and counting time allow to state.

    Counts that are whole numbers are Poisson with gain 1, rates whose product with the counting time `live` (s) is
    whole with gain 1/live; where they are not whole the factor is unknown. Negative numbers are no counts. Counts that
    are all multiples of one number were multiplied by it, and so is the gain (a profile of PHI holds such a region:
    multiples of 10, whose scatter is that of tenths of them).
    """
    if not counts.size or counts.min() < 0 or unit == "arbitrary":
        return Noise("unknown")
    gain = 1.0 if unit == "counts" else 1.0 / live if live is not None and live > 1e-12 else 0.0
    if not whole_events(counts, gain):
        return Noise("poisson", None)
    factors = {_factor(np.rint(row / gain)) for row in counts.reshape(-1, counts.shape[-1])}
    if factors == {1}:
        return Noise("poisson", gain)
    return Noise("poisson", gain * factors.pop() if len(factors) == 1 else None, origin="estimated")


def _factor(events: FloatArray) -> int:
    """The common factor of events; 1 where too few differ to tell it from chance."""
    values = np.unique(events[(events > 0) & (events < 2**53)]).astype(np.int64)
    return int(np.gcd.reduce(values)) if len(values) >= _MANY else 1


def notes(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Pairs for `Meta.extra`: those with a value, shortened where it is very long."""
    short = ((name, value if len(value) <= MAX_NOTE else f"{value[:MAX_NOTE]} ...") for name, value in pairs)
    return tuple(pair for pair in short if pair[1])


def text_of(head: bytes) -> str:
    """The first bytes of a file as text for sniffing; "" where they are none."""
    name = "utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    if name != "utf-16" and b"\0" in head:
        return ""
    return head.decode(name, "replace")


def date(text: str, *forms: str) -> str:
    """ISO date of a text in one of the `strptime` forms, "" where it is in none; "UTC" at its end is understood."""
    plain = text.strip()
    zone = UTC if plain.endswith("UTC") else None
    for form in forms:
        with contextlib.suppress(ValueError):
            return datetime.strptime(plain.removesuffix("UTC").strip(), form).replace(tzinfo=zone).isoformat()
    return ""


def swept(
    axis: Axis,
    sweeps: FloatArray,
    meta: Meta,
    cycles: Axis | None = None,
    transmission: FloatArray | None = None,
    each: float = 1.0,
) -> list[Spectrum]:
    """What was measured in several sweeps: their sum (of rates: the mean) first, then the single sweeps as a series.

    Parameters
    ----------
    sweeps : array, shape (cycles, sweeps, n)
        Intensities in the order of the axis.
    meta : Meta
        With the counting time of one sweep; the number of sweeps is set here.
    cycles : Axis, optional
        What the cycles are; None where there is a single one.
    each : float
        How many sweeps of the instrument one of `sweeps` already stands for.
    """
    count = sweeps.shape[1]
    unit = meta.intensity_unit
    total = sweeps.mean(axis=1) if unit == "counts/s" else sweeps.sum(axis=1)
    said = [("sweeps", f"{'mean' if unit == 'counts/s' else 'sum'} of {count} sweeps; they follow one by one")]
    whole_meta = replace(meta, sweeps=count * each, extra=(*meta.extra, *(said if count > 1 else [])))
    parts = [(total, whole_meta, () if cycles is None else (cycles,))]
    if count > 1:
        numbers_ = Axis(np.arange(1.0, count + 1), "index", "")
        one = replace(meta, sweeps=each, title=f"{meta.title} sweeps", region=f"{meta.region} sweeps")
        parts.append((sweeps, one, (numbers_,) if cycles is None else (cycles, numbers_)))
    found = []
    for counts, described, navigation in parts:
        shaped = counts if cycles is not None else counts[0]
        found.append(
            Spectrum(axis, shaped, noise(shaped, unit, described.live_time), described, transmission, navigation)
        )
    return found


def numbered(spectra: Iterable[Spectrum]) -> list[Spectrum]:
    """Spectra with their place in the file."""
    return [s.with_(meta=replace(s.meta, index=index)) for index, s in enumerate(spectra)]
