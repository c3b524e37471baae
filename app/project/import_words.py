"""What must be said when files were read: what was left out of them, and what their numbers are not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fitting.dataset import Spectrum

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
