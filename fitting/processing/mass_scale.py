"""The step from channels to m/z: t = SF sqrt(m) + K0.

Reference: F. M. Green, I. S. Gilmore, M. P. Seah, J. Am. Soc. Mass Spectrom. 17, 514 (2006).
"""

from __future__ import annotations

import numpy as np

from fitting.dataset import Axis, Spectrum
from fitting.processing.step import Step
from libraries.errors import BadData


def mass_scale(spectrum: Spectrum, step: Step) -> Spectrum:
    """Channels become m/z = ((t - K0)/SF)^2; those before the channel of m/z 0 are left out.

    Parameters of the step: `slope` SF in channels, `offset` K0 in channels.

    Raises
    ------
    BadData
        If the axis holds no channels, or none lies behind K0.
    """
    if spectrum.axis.quantity != "channel":
        raise BadData("Only channels of a time-of-flight spectrum have a mass scale", where=spectrum.name)
    slope, offset = step.number("slope"), step.number("offset")
    if slope <= 0:
        raise BadData(f"A mass scale with the slope {slope:g} is impossible", where=spectrum.name)
    first = int(np.searchsorted(spectrum.x, offset, "right"))
    if first >= len(spectrum.axis):
        raise BadData("All channels lie before m/z 0", where=spectrum.name, todo="Check the calibration")
    masses = ((spectrum.x[first:] - offset) / slope) ** 2
    return spectrum.with_(axis=Axis(masses, "mass", ""), counts=spectrum.counts[..., first:], transmission=None)


def mass_scale_step(slope: float, offset: float, note: str = "") -> Step:
    """The step of a calibration."""
    return Step("mass_scale", (("slope", float(slope)), ("offset", float(offset))), note)
