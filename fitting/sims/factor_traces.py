"""Amounts of factors along the depth, under the name "factor:ID/2", beside the ions of a profile or cube."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from fitting.dataset import FloatArray
from fitting.factors.kept import KeptFactors
from libraries.errors import NotDetermined, UnknownName

_PREFIX = "factor:"


class Analysed(Protocol):
    """What has factor analyses: an entry of a project."""

    @property
    def factors(self) -> Sequence[KeptFactors]: ...


def is_factor(trace: str) -> bool:
    """Whether a trace is that of a factor."""
    return trace.startswith(_PREFIX)


def trace_name(id: str, index: int) -> str:
    """Name of the trace of one factor, counted from 0."""
    return f"{_PREFIX}{id}/{index + 1}"


def factor_traces(entry: Analysed) -> tuple[tuple[str, str], ...]:
    """(trace, name) of every factor whose amounts along the depth are known."""
    found = []
    for about in entry.factors:
        if about.amounts.size and about.method != "pca":
            found += [(trace_name(about.id, i), f"{name} ({about.title})") for i, name in enumerate(about.names)]
    return tuple(found)


def factor_of(entry: Analysed, trace: str) -> tuple[KeptFactors, int]:
    """The analysis and the factor's place in it.

    Raises
    ------
    UnknownName
        If there is none.
    """
    id, _, number = trace.removeprefix(_PREFIX).rpartition("/")
    for about in entry.factors:
        counted = is_factor(trace) and about.id == id and number.isascii() and number.isdecimal()
        if counted and 1 <= int(number) <= len(about.names):
            return about, int(number) - 1
    raise UnknownName(f"There is no factor {trace.removeprefix(_PREFIX)}", todo="Find the factors again")


def amounts_of(entry: Analysed, trace: str) -> tuple[FloatArray, FloatArray]:
    """Counts of a factor along the depth, and one standard error.

    Returns
    -------
    values, errors : array, shape (points,)
        Errors are NaN where the noise is not known; they take the spectrum as exact.

    Raises
    ------
    UnknownName
        If there is no such factor.
    NotDetermined
        If its analysis is not one of a depth profile.
    """
    about, index = factor_of(entry, trace)
    if not about.amounts.size:
        raise NotDetermined(f"{about.title} is no analysis along the depth", where=about.names[index])
    errors = about.errors[index] if about.errors.size else np.full(about.amounts.shape[1], np.nan)
    return np.asarray(about.amounts[index]), np.asarray(errors)
