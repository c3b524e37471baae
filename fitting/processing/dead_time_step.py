"""The step that corrects raw counts of a time-of-flight detector for its dead time.

Reference: T. Stephan, J. Zehnpfenning, A. Benninghoven, J. Vac. Sci. Technol. A 12, 405 (1994).
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from fitting.dataset import Spectrum
from fitting.processing.step import Step
from fitting.sims.dead_time import correct_dead_time
from libraries.errors import BadData


def dead_time(spectrum: Spectrum, step: Step) -> Spectrum:
    """Counts become estimates of the ions that reached the detector; saturated channels keep their raw counts.

    Parameters of the step: `pulses`, primary pulses behind each spectrum, and `channels`, the dead time. The noise
    stays that of the counts, which is too small where a large share of the pulses counted an ion: then the table of
    peaks flags the line.

    Raises
    ------
    BadData
        If the file says that the data are corrected, or they cannot be raw counts of single channels.
    """
    if spectrum.axis.quantity != "channel":
        raise BadData("The dead time is corrected on the channels of the recorder", where=spectrum.name,
                      todo="Put this step before the mass scale, on data with channels")
    if spectrum.x.size > 1 and float(spectrum.axis.step) != 1.0 and np.any(np.diff(spectrum.x) != 1.0):
        raise BadData(f"Channels are joined by {spectrum.axis.step:g}: a dead time needs single ones",
                      where=spectrum.name, todo="Export the spectrum without binning")
    found = correct_dead_time(spectrum.y, np.float64(step.number("pulses")), step.whole("channels", 0, 1_000_000),
                              recorded=recorded_of(spectrum))
    return spectrum.with_(counts=found.counts)


def recorded_of(spectrum: Spectrum) -> Literal["on", "off"] | None:
    """What the file says of a dead-time correction; None where it says nothing."""
    words = dict(spectrum.meta.extra).get("dead time", "").lower()
    if words.startswith("corrected") and "no whole numbers" not in words:
        return "on"
    return "off" if words.startswith("not corrected") else None


def dead_time_step(pulses: float, channels: int, note: str = "") -> Step:
    """The step of a correction."""
    return Step("dead_time", (("pulses", float(pulses)), ("channels", float(channels))), note)
