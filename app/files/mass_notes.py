"""What a table of a mass spectrum says above its columns, and how it is read back.

    # dead time: corrected by Sodalite: 40 channels, 1000000 pulses
    # mass scale: t = 13100.018 sqrt(m/z) + 118.23 channels, calibrated on Na2OH+, Na2F+
    # recipe: dead_time, mass_scale
    Channel,m/z,Intensity [counts]

Without these lines a corrected spectrum would come back as one of which nothing is known: it could be corrected twice.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app.files.instrument import Pairs
from fitting.dataset import FloatArray, Spectrum
from fitting.processing.mass_scale import FROM_FILE, LAW, law_step
from fitting.processing.step import Step
from fitting.recipe import Recipe

DEAD_TIME, RECIPE = "dead time", "recipe"
_KEPT = ("polarity", DEAD_TIME, "dead time in channels", "pulses")  # of `Meta.extra`, as they stand
_KNOWN = (*_KEPT, LAW, RECIPE)
_WHOLE = 1e-4  # channels; the digits of m/z allow about 1e-9


def notes_of(spectrum: Spectrum, recipe: Recipe | None) -> tuple[str, ...]:
    """Lines above the columns of a mass spectrum, without a mark; none for other spectra."""
    if spectrum.meta.technique != "sims" or spectrum.axis.labels:
        return ()
    extra = dict(spectrum.meta.extra)
    steps = recipe.active if recipe is not None else ()
    found = {key: extra[key] for key in _KEPT if key in extra}
    done = next((step for step in steps if step.kind == "dead_time"), None)
    if done is not None:
        found[DEAD_TIME] = (f"corrected by Sodalite: {done.number('channels'):g} channels, "
                            f"{done.number('pulses'):.12g} pulses")
    law = _law(spectrum, recipe)
    if law is not None:
        unit = " channels" if channels_of(spectrum, recipe) is not None or spectrum.axis.quantity == "channel" else ""
        found[LAW] = (f"t = {law.number('slope')!r} sqrt(m/z) {law.number('offset'):+.12g}{unit}"
                      + (f", {law.note}" if law.note and law.note != FROM_FILE else ""))
    if steps:
        found[RECIPE] = ", ".join(step.kind for step in steps)
    return tuple(f"{key}: {' '.join(value.split())}" for key, value in found.items())


def _law(spectrum: Spectrum, recipe: Recipe | None) -> Step | None:
    step = next((one for one in recipe.active if one.kind == "mass_scale"), None) if recipe is not None else None
    return step if step is not None else law_step(spectrum)


def channels_of(spectrum: Spectrum, recipe: Recipe | None) -> FloatArray | None:
    """Channels of an axis of m/z by the law of its recipe; None where they are no whole numbers.

    Then another step moved the axis, or the law is one of roots of m/z: they would be channels of nothing.
    """
    law = _law(spectrum, recipe)
    if law is None or spectrum.axis.quantity != "mass" or spectrum.x[0] < 0:
        return None
    channels = law.number("slope") * np.sqrt(spectrum.x) + law.number("offset")
    whole = np.rint(channels)
    good = np.max(np.abs(channels - whole)) < _WHOLE and bool(np.all(np.diff(whole) > 0))
    return whole if good else None


def notes_in(comments: Sequence[str]) -> tuple[Pairs, tuple[str, ...]]:
    """What is told in lines above the columns, and the other lines."""
    told, rest = [], []
    for line in comments:
        key, _, value = line.lstrip("#% ").partition(": ")
        if line.startswith("# ") and key in _KNOWN and value.strip():
            told.append((key, value.strip()))
        else:
            rest.append(line)
    return told, tuple(rest)
