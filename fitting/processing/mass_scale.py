"""The step from channels to m/z: t = SF sqrt(m) + K0.

Reference: F. M. Green, I. S. Gilmore, M. P. Seah, J. Am. Soc. Mass Spectrom. 17, 514 (2006).
"""

from __future__ import annotations

import numpy as np

from fitting.dataset import Axis, FloatArray, Spectrum
from fitting.processing.step import Step
from libraries.errors import BadData

# Name under which readers keep the law of a file in `Meta.extra`: "SF K0", in full digits.
LAW = "mass scale"
FROM_FILE = "from the file"


def mass_scale(spectrum: Spectrum, step: Step) -> Spectrum:
    """Channels become m/z = ((t - K0)/SF)^2; those before the channel of m/z 0 are left out.

    Parameters of the step: `slope` SF in channels, `offset` K0 in channels. Where the file gives m/z and no channels,
    t is the root of its m/z (`flight_times`), which is linear in the time of flight.

    Raises
    ------
    BadData
        If the axis holds neither channels nor m/z, or none lies behind K0.
    """
    slope, offset = step.number("slope"), step.number("offset")
    if slope <= 0:
        raise BadData(f"A mass scale with the slope {slope:g} is impossible", where=spectrum.name)
    times = flight_times(spectrum)
    first = int(np.searchsorted(times, offset, "right"))
    if first >= len(spectrum.axis):
        raise BadData("All channels lie before m/z 0", where=spectrum.name, todo="Check the calibration")
    masses = ((times[first:] - offset) / slope) ** 2
    return spectrum.with_(axis=Axis(masses, "mass", ""), counts=spectrum.counts[..., first:], transmission=None)


def flight_times(spectrum: Spectrum) -> FloatArray:
    """Numbers linear in the time of flight, shape (n,): channels, or the roots of m/z.

    Raises
    ------
    BadData
        If the axis holds neither, or an m/z is negative.
    """
    if spectrum.axis.quantity == "channel":
        return spectrum.x
    if spectrum.axis.quantity != "mass" or spectrum.x[0] < 0:
        raise BadData("Only channels of a time-of-flight spectrum have a mass scale", where=spectrum.name)
    return np.sqrt(spectrum.x)


def mass_scale_step(slope: float, offset: float, note: str = "") -> Step:
    """The step of a calibration."""
    return Step("mass_scale", (("slope", float(slope)), ("offset", float(offset))), note)


def law_step(spectrum: Spectrum) -> Step | None:
    """The step of the law that a spectrum's file gives; None where it gives none, or the axis holds no channels."""
    words = dict(spectrum.meta.extra).get(LAW, "").split()
    if spectrum.axis.quantity != "channel" or spectrum.meta.technique != "sims" or len(words) != 2:
        return None
    try:
        slope, offset = map(float, words)
    except ValueError:
        return None
    good = 0 < slope < np.inf and -np.inf < offset < float(spectrum.x[-1])
    return mass_scale_step(slope, offset, FROM_FILE) if good else None
