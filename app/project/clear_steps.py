"""Where a trace of a profile has its clearest step: a start for the analyst's own ranges."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app.project.project import Entry
from app.project.sims_profiles_at import trace_values
from fitting.dataset import Axis, FloatArray, Spectrum
from libraries.errors import SodaliteError


def proposed_range(clock: Axis, values: FloatArray) -> tuple[float, float]:
    """The part of a trace with its clearest step, in the unit of the clock: a start for the analyst's own range."""
    n, half = values.size, _half(values)
    if n < 4 * half:
        return float(clock.values[0]), float(clock.values[-1])
    at, _ = _step_of(values)
    first, last = max(at - 2 * half, 0), min(at + 2 * half, n - 1)
    return float(clock.values[first]), float(clock.values[last])


def clearest_step(entry: Entry, profile: Spectrum, names: Sequence[str]) -> str:
    """Of these traces the one whose clearest step stands highest above its counting noise; "" for none."""
    best, found = 0.0, ""
    for name in names:
        try:
            values = trace_values(entry, profile, name)[0]
        except SodaliteError:  # not of this profile
            continue
        height = _step_of(values)[1] if values.size >= 4 * _half(values) and np.all(np.isfinite(values)) else 0.0
        if height > best:
            best, found = height, name
    return found


def _half(values: FloatArray) -> int:
    return max(3, values.size // 10)


def _step_of(values: FloatArray) -> tuple[int, float]:
    """Where the means of a tenth of the points before and after differ most, and by how many roots of their sum."""
    n, half = values.size, _half(values)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    at = np.arange(half, n - half + 1)
    before, after = (sums[at] - sums[at - half]) / half, (sums[at + half] - sums[at]) / half
    heights = np.abs(after - before) / np.sqrt(np.maximum(after + before, 1e-12))
    best = int(np.argmax(heights))
    return int(at[best]), float(heights[best])
