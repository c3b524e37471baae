"""What must be said when files were read: what was left out of them, and what their numbers are not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fitting.dataset import Spectrum
from fitting.sims.kinds import kind_of

# Names of notes in `Meta.extra` that change what can be done with the data, in the order in which they are said.
_SAID = ("smoothing", "negative intensities", "points left out", "column left out", "ratio column left out",
         "sum column", "points")
_MOST = 4


def import_words(spectra: Sequence[Spectrum]) -> tuple[str, ...]:
    """One sentence for each spectrum of ToF-SIMS whose file was not taken as it stands."""
    found = []
    for spectrum in spectra:
        if spectrum.meta.technique != "sims":
            continue
        notes = [f"{name}: {text}" for key in _SAID for name, text in spectrum.meta.extra if name == key]
        if notes:
            found.append(f"{spectrum.name} – {'; '.join(_short(notes))}.")
    return tuple(found)


def _short(notes: Sequence[str]) -> Iterable[str]:
    if len(notes) <= _MOST:
        return notes
    return [*notes[:_MOST], f"and {len(notes) - _MOST} more, in the report"]


def counted_words(spectra: Sequence[Spectrum]) -> str:
    """What was read, by kind: "2 depth profiles", "1 cube of ions and 3 mass spectra", "4 spectra"."""
    numbers: dict[tuple[str, str], int] = {}
    for spectrum in spectra:
        kind = _kind(spectrum)
        numbers[kind] = numbers.get(kind, 0) + 1
    words = [f"{number} {kind[number > 1]}" for kind, number in numbers.items()]
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:]))) or "no spectra"


def _kind(spectrum: Spectrum) -> tuple[str, str]:
    """Name of one and of several."""
    if spectrum.meta.technique == "sims":
        kind = kind_of(spectrum)
        if kind == "spectrum":
            return ("mass spectrum", "mass spectra") if not spectrum.navigation else (
                "image of mass spectra", "images of mass spectra")
        return {"profile": ("depth profile", "depth profiles"), "image": ("image of ions", "images of ions")}.get(
            kind, ("cube of ions", "cubes of ions"))
    if len(spectrum.navigation) > 1:
        return "image", "images"
    return ("series of spectra", "series of spectra") if spectrum.navigation else ("spectrum", "spectra")
