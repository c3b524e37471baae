"""Several depth profiles resolved together: common spectra, amounts of their own.

Profiles are put one below the other (row-wise augmentation; R. Tauler, Chemom. Intell. Lab. Syst. 30, 133 (1995)), with
the ions that all of them have. A factor that is mixed with another one in one profile may stand alone in the next, so
that bands become narrower.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from fitting.dataset import Axis, FloatArray, Spectrum, frozen_array
from fitting.factors.analysis import Factors
from fitting.factors.channels import charges
from fitting.sims.columns import columns, counted
from libraries.errors import BadData
from libraries.ions import written


@dataclass(frozen=True, eq=False)
class Joined:
    """Profiles one below the other.

    Attributes
    ----------
    spectrum : Spectrum
        Of the common ions.
    places : tuple of array of int
        Of each profile where these ions stand on its axis.
    parts : tuple of slice
        Rows of each profile.
    """

    spectrum: Spectrum
    places: tuple[tuple[int, ...], ...]
    parts: tuple[slice, ...]


def joined(profiles: Sequence[Spectrum], only: Sequence[int] | None = None) -> Joined:
    """Put profiles together by the names of their ions.

    Parameters
    ----------
    profiles : sequence of Spectrum
        Shape (points, ions).
    only : sequence of int, optional
        Of the first profile the places of the ions that are taken; all single ions by default.

    Raises
    ------
    BadData
        If one is no profile, polarities or gains differ, or fewer than two ions are common.
    """
    for one in profiles:
        if len(one.navigation) != 1 or not one.axis.labels:
            raise BadData("Only depth profiles are resolved together", where=one.name)
        if one.noise != profiles[0].noise:
            raise BadData("These profiles do not count in the same way", where=one.name,
                          todo="Leave out what was normalised or smoothed")  # fmt: skip
    tables = [_by_name(one) for one in profiles]
    wanted = set(counted(profiles[0].axis)) if only is None else set(only)
    names = [name for name, place in tables[0].items() if place in wanted and all(name in table for table in tables)]
    signs = {charges(one.axis)[table[name]] for one, table in zip(profiles, tables, strict=True) for name in names}
    if len(names) < 2 or len(signs - {0}) > 1:
        raise BadData(f"These profiles have {len(names)} ions in common", where=profiles[-1].name,
                      todo="Choose profiles of one polarity with the same ions")  # fmt: skip
    places = tuple(tuple(table[name] for name in names) for table in tables)
    counts = np.concatenate([one.rows(0, one.pixels)[:, list(at)] for one, at in zip(profiles, places, strict=True)])
    ends = np.cumsum([0, *(one.pixels for one in profiles)])
    labels = tuple(profiles[0].axis.labels[place] for place in places[0])
    first = profiles[0]
    whole = Spectrum(
        Axis(np.arange(float(len(names))), "ion", "", labels), counts, first.noise, first.meta,
        navigation=(Axis(np.arange(1.0, len(counts) + 1), "scan", ""),),
    )  # fmt: skip
    return Joined(whole, places, tuple(slice(int(a), int(b)) for a, b in pairwise(ends)))


def separated(found: Factors, whole: Joined) -> tuple[Factors, ...]:
    """The factors of every profile: common spectra and figures, amounts and limits of its own."""
    made = []
    for places, part in zip(whole.places, whole.parts, strict=True):
        order = np.argsort(places)
        depth = {name: _part(getattr(found, name), part)
                 for name in ("amounts", "errors", "depth", "depth_errors", "low", "high")}  # fmt: skip
        spectra = {name: _sorted(getattr(found, name), order) for name in ("spectra", "low_spectra", "high_spectra")}
        energy = np.asarray(places, dtype=float)[order]
        made.append(replace(
            found, energy=frozen_array(energy), window=(float(energy[0]), float(energy[-1])),
            labels=tuple(found.labels[i] for i in order), words=f"{len(whole.parts)} profiles together",
            scaled=None, rows=None, **depth, **spectra,
        ))  # fmt: skip
    return tuple(made)


def _by_name(profile: Spectrum) -> dict[str, int]:
    """Places of single ions by their formula, however a file writes it."""
    found: dict[str, int] = {}
    for column in columns(profile.axis):
        if column.counted:
            ions = column.label.ions
            found.setdefault(written(ions[0], "plain") if len(ions) == 1 else column.name.strip(), column.place)
    return found


def _part(array: FloatArray | None, part: slice) -> FloatArray | None:
    return None if array is None else frozen_array(array[:, part])


def _sorted(array: FloatArray | None, order: np.ndarray) -> FloatArray | None:
    return None if array is None else frozen_array(array[:, order])
