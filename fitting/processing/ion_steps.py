"""Steps on named ions: correction of whole lines for dead time, and other names for channels.

Reference: T. Stephan, J. Zehnpfenning, A. Benninghoven, J. Vac. Sci. Technol. A 12, 405 (1994).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from fitting.dataset import FloatArray, Spectrum
from fitting.processing.dead_time_step import recorded_of
from fitting.processing.step import Step
from fitting.sims.columns import columns
from fitting.sims.dead_time import correct_dead_time, state_of
from libraries.errors import BadData, BadModel


def ion_dead_time(spectrum: Spectrum, step: Step) -> Spectrum:
    """Counts of each ion of a profile become -N ln(1 - I/N), as one line within one dead time; saturated ones stay.

    Parameter of the step: `pulses` N, primary pulses behind each point. The total and sums of the file grow by what
    their ions grow; ions that have no column of their own are not corrected in them. The noise stays that of the
    counts, which is too small for lines that counted an ion in a large share of the pulses.

    Raises
    ------
    BadData
        If it is no profile, or the counts are corrected already, or there are more of them than pulses.
    """
    if len(spectrum.navigation) != 1 or not spectrum.axis.labels:
        raise BadData("Whole lines are corrected for dead time on depth profiles only", where=spectrum.name,
                      todo="Of a cube add the profile of a region and correct that: a voxel holds too few pulses")
    known = columns(spectrum.axis)
    singles = [column.place for column in known if column.label.kind == "single"]
    raw = spectrum.y
    if state_of(raw[:, singles]) == "corrected":
        raise BadData("These data are corrected for dead time already", where=spectrum.name,
                      todo="Nothing has to be done")
    lines = correct_dead_time(raw[:, singles][..., None], np.float64(step.number("pulses")), 0,
                              recorded=recorded_of(spectrum))
    counts = np.array(raw)
    counts[:, singles] = lines.counts[..., 0]
    _grow_sums(spectrum, raw, counts)
    return spectrum.with_(counts=counts)


def _grow_sums(spectrum: Spectrum, raw: FloatArray, counts: FloatArray) -> None:
    """Sums and the total grow by what their own ions grew."""
    known = columns(spectrum.axis)
    own = [column for column in known if column.counted]
    gain = {column.place: counts[:, column.place] - raw[:, column.place] for column in own}
    for column in known:
        if column.label.kind == "total":
            members = own
        elif column.label.kind == "sum":
            wanted = {(ion.isotopes, ion.charge) for ion in column.label.ions}
            members = [one for one in own if one.label.ions
                       and (one.label.ions[0].isotopes, one.label.ions[0].charge) in wanted]
        else:
            continue
        for member in members:
            counts[:, column.place] += gain[member.place]


def ion_dead_time_step(pulses: float) -> Step:
    """The step of a correction."""
    return Step("ion_dead_time", (("pulses", float(pulses)),))


def ion_names(spectrum: Spectrum, step: Step) -> Spectrum:
    """Channels take other names; numbers and order stay.

    Parameter of the step: `names`, one line "place<tab>name" a channel, places counted from 0.
    """
    labels = list(spectrum.axis.labels)
    if not labels:
        raise BadData("Only named channels of ions take other names", where=spectrum.name)
    for line in step.text("names").splitlines():
        place, _, name = line.partition("\t")
        if not (place.isascii() and place.isdecimal()) or not name.strip():
            raise BadModel("A step of names is damaged", where=line[:40])
        if int(place) >= len(labels):
            raise BadData(f"There is no channel {int(place) + 1} to be named", where=spectrum.name)
        labels[int(place)] = name.strip()
    return spectrum.with_(axis=replace(spectrum.axis, labels=tuple(labels)))


def ion_names_step(names: Mapping[int, str]) -> Step:
    """The step that names channels anew."""
    return Step("ion_names", (("names", "\n".join(f"{place}\t{name}" for place, name in sorted(names.items()))),))
