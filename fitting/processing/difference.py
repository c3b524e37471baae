"""Background taken away from a window, for showing and comparing; fits keep the background in the model."""

from __future__ import annotations

import numpy as np

from fitting.backgrounds import KINDS, static_background
from fitting.dataset import Spectrum
from fitting.processing.noise import channel_variance, noted, with_variance
from fitting.processing.step import Step
from libraries.errors import BadData, BadModel


def subtracted_kinds() -> tuple[str, ...]:
    """Backgrounds that are taken from the data alone between two ends."""
    return tuple(name for name, kind in KINDS.items() if kind.static and name in ("linear", "shirley"))


def subtract_background(spectrum: Spectrum, step: Step) -> Spectrum:
    """The window without its background.

    The variance of a channel stays that of all that was counted there. The background's own error, which all channels
    share, is not in it.
    """
    low, high = step.number("low"), step.number("high")
    kind = step.text("background", "shirley")
    if kind not in subtracted_kinds():
        raise BadModel(f"The background {kind} cannot be subtracted", todo=f"Use {', '.join(subtracted_kinds())}")
    part = spectrum.window(low, high)
    if part.navigation:
        raise BadData("A background is subtracted from one spectrum", where=spectrum.name)
    if part.x.size < 5:
        raise BadData("The window holds fewer than five points", where=spectrum.name, todo="Widen it")
    average = step.whole("average", 0, 1000) if step.has("average") else 2
    direction = -1 if spectrum.axis.quantity == "kinetic_energy" else 1
    average = min(average, (part.x.size - 1) // 2)
    background = static_background(kind, part.x, part.y, {"average": average}, direction=direction).values
    variance = channel_variance(part)
    done = part.with_(counts=part.y - background)
    done = noted(done, "background", f"{KINDS[kind].title} subtracted, {low:g} to {high:g} {spectrum.axis.unit}")
    if part.noise.kind == "unknown":
        return done
    return with_variance(
        done, None if variance is None else np.asarray(variance), part.noise, "background subtracted"
    )
