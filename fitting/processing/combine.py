"""New spectra from several: average, sum, difference, quotient, with their noise and where they come from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fitting.dataset import Axis, FloatArray, Meta, Noise, Spectrum
from fitting.processing.noise import channel_variance, local_mean, noted, with_variance
from fitting.processing.smoothing import on_axis
from libraries.errors import BadData

# Axes whose values differ by no more than this share of the step are the same.
_SAME = 0.01
# Counting times that differ by less are the same (clocks round; see `app.project.series`).
_SAME_TIME = 1e-4


def common(spectra: Sequence[Spectrum], *, resample: bool = False) -> tuple[Spectrum, ...]:
    """The spectra on one axis.

    Parameters
    ----------
    spectra : sequence of Spectrum
        At least two single spectra of one quantity.
    resample : bool
        Bring all onto the first one's axis, over the range that all share, by straight lines. Without it axes that
        differ are refused; those that only begin or end elsewhere are cut to what they share.

    Raises
    ------
    BadData
        Naming the first that does not fit.
    """
    if len(spectra) < 2:
        raise BadData("At least two spectra are needed", todo="Choose several spectra in the project list")
    first = spectra[0]
    for s in spectra:
        if s.navigation:
            raise BadData("A series cannot be combined with others", where=s.name, todo="Add up its levels first")
        if (s.axis.quantity, s.axis.unit) != (first.axis.quantity, first.axis.unit):
            raise BadData(f"Its axis is {s.axis.label}, the first one's {first.axis.label}", where=s.name)
    low, high = max(s.x[0] for s in spectra), min(s.x[-1] for s in spectra)
    slack = _SAME * max(s.axis.step for s in spectra)
    if not high > low:
        raise BadData("The spectra have no range of energy in common", where=", ".join(s.name for s in spectra[:4]))
    cut = [s.window(low - slack, high + slack) for s in spectra]
    axis = cut[0].axis
    if all(s.x.size == len(axis) and np.all(np.abs(s.x - axis.values) <= slack) for s in cut):
        return tuple(s.with_(axis=axis) for s in cut)
    if not resample:
        other = next(s for s in cut if s.x.size != len(axis) or np.any(np.abs(s.x - axis.values) > slack))
        raise BadData(
            "Its energies are not those of the first spectrum",
            where=other.name,
            todo="Combine with resampling: neighbouring channels then correlate",
        )
    values = first.x[(first.x >= low) & (first.x <= high)]
    if values.size < 2:
        raise BadData("The spectra share fewer than two points", where=first.name)
    return (first.window(float(values[0]), float(values[-1])), *(_resampled(s, values) for s in spectra[1:]))


def _resampled(spectrum: Spectrum, values: FloatArray) -> Spectrum:
    return noted(on_axis(spectrum, values), "resampled", "onto the axis of the first spectrum")


def add(spectra: Sequence[Spectrum], *, resample: bool = False) -> Spectrum:
    """The sum. Counts stay counts: one event is what it was, and the live times add up."""
    parts = common(spectra, resample=resample)
    unit = _unit(parts)
    meta = _meta(parts, "Sum of " + ", ".join(_names(spectra)), unit)
    lives = [s.meta.live_time for s in parts]
    if unit == "counts" and all(lives) and parts[0].meta.dwell_time:
        meta = replace(meta, sweeps=sum(t for t in lives if t) / parts[0].meta.dwell_time)
    elif unit == "counts":
        meta = replace(meta, dwell_time=None, sweeps=None)  # that of the first alone would make a rate far too high
    counted = all(s.counts.dtype.kind in "iu" for s in parts)
    y = np.sum([s.counts if counted else s.y for s in parts], axis=0)
    return _weighted(parts, np.ones(len(parts)), y, meta, "sum")


def average(spectra: Sequence[Spectrum], *, resample: bool = False) -> Spectrum:
    """The mean, weighted by live time, in counts/s where all live times are known.

    Counts of all spectra are added and divided by the whole live time; equal weights where a live time is not recorded.
    """
    parts = common(spectra, resample=resample)
    unit = _unit(parts)
    lives = [s.meta.live_time or 0.0 for s in parts]
    known = unit in ("counts", "counts/s") and all(t > 0 for t in lives)
    names = ", ".join(_names(spectra))
    if not known:
        weights = np.full(len(parts), 1.0 / len(parts))
        y = np.mean([s.y for s in parts], axis=0)
        return _weighted(parts, weights, y, _meta(parts, f"Mean of {names}", unit), "mean, equal weights")
    total = sum(lives)
    weights = np.full(len(parts), 1.0 / total) if unit == "counts" else np.array(lives) / total
    y = np.tensordot(weights, np.array([s.y for s in parts]), axes=1)
    meta = _meta(parts, f"Mean of {names}", "counts/s")
    if parts[0].meta.dwell_time:
        meta = replace(meta, sweeps=total / parts[0].meta.dwell_time)
    return _weighted(parts, weights, y, meta, "mean, weighted by live time")


def subtract(a: Spectrum, b: Spectrum, factor: float = 1.0, *, resample: bool = False) -> Spectrum:
    """a - factor * b. Its variance is that of both, so that it is counted no longer."""
    if not np.isfinite(factor):
        raise BadData(f"A factor of {factor:g} is not sensible")
    pa, pb = common((a, b), resample=resample)
    unit = _unit((pa, pb))
    times = "" if factor == 1 else f"{factor:g} × "
    meta = _meta((pa, pb), f"{_name(a)} − {times}{_name(b)}", unit)
    lives = pa.meta.live_time, pb.meta.live_time
    if unit == "counts" and not (lives[0] and lives[1] and math.isclose(lives[0], lives[1], rel_tol=_SAME_TIME)):
        meta = replace(meta, dwell_time=None, sweeps=None)  # counts of different times have no common rate
    done = Spectrum(pa.axis, pa.y - factor * pb.y, _start((pa, pb)), meta, pa.transmission)
    return _propagated(done, (pa, pb), (1.0, factor), "difference")


def ratio(a: Spectrum, b: Spectrum, *, resample: bool = False) -> Spectrum:
    """a/b, where b is above zero everywhere.

    Raises
    ------
    BadData
        If b has channels at or below zero.
    """
    pa, pb = common((a, b), resample=resample)
    if np.any(pb.y <= 0):
        raise BadData("The divisor has channels at or below zero", where=b.name,
                      todo="Crop or rebin both spectra first")
    y = pa.y / pb.y
    meta = _meta((pa, pb), f"{_name(a)} / {_name(b)}", "arbitrary")
    done = Spectrum(pa.axis, y, _start((pa, pb)), meta)
    smooth = np.maximum(local_mean(pb.y), 1e-300)
    return _propagated(done, (pa, pb), (1.0 / smooth, local_mean(y) / smooth), "quotient")


def stack(spectra: Sequence[Spectrum], *, resample: bool = False) -> Spectrum:
    """Repeats of one measurement as a series of sweeps.

    Raises
    ------
    BadData
        If axes, units or gains differ: sweeps of a series share one noise.
    """
    parts = common(spectra, resample=resample)
    unit, noise = _unit(parts), parts[0].noise
    for s in parts:
        if (s.noise.kind, s.noise.gain) != (noise.kind, noise.gain):
            raise BadData("Its noise is not that of the first spectrum", where=s.name,
                          todo="Repeats have the same dwell time and sweeps, and none was processed")
    counted = all(s.counts.dtype.kind in "iu" for s in parts)
    counts = np.array([s.counts if counted else s.y for s in parts])
    meta = _meta(parts, f"{_name(parts[0])} repeats", unit)
    repeats = Axis(np.arange(1.0, len(parts) + 1), "index", "")
    return Spectrum(parts[0].axis, counts, noise, meta, parts[0].transmission, (repeats,))


def _unit(parts: Sequence[Spectrum]) -> str:
    units = {s.meta.intensity_unit for s in parts}
    if len(units) > 1:
        raise BadData(f"The spectra are in different units: {', '.join(sorted(units))}",
                      todo="Convert them first (Process: counts or counts/s)")
    return units.pop()


def _name(spectrum: Spectrum) -> str:
    return spectrum.meta.title or spectrum.name


def _names(spectra: Sequence[Spectrum]) -> list[str]:
    names = [_name(s) for s in spectra]
    return names if len(names) <= 4 else [*names[:3], f"{len(names) - 3} more"]


def _meta(parts: Sequence[Spectrum], title: str, unit: str) -> Meta:
    """What all share; what differs is left out. The further facts say what it was made from."""
    first = parts[0].meta
    changes: dict[str, object] = {}
    for name in ("sample", "element", "transition", "photon_energy", "source", "work_function", "pass_energy",
                 "emission_angle", "source_analyser_angle", "analyser_mode", "charge_state", "instrument", "date"):
        if any(getattr(s.meta, name) != getattr(first, name) for s in parts):
            changes[name] = type(first).__dataclass_fields__[name].default
    if "sample" in changes:
        changes["sample"] = first.sample
    made = tuple(
        ("made from", f"{_name(s)}, {s.meta.file or 'no file'} #{s.meta.index}, {s.hash[:12]}") for s in parts
    )
    said = tuple(pair for pair in first.extra if all(pair in s.meta.extra for s in parts))
    if any(name == "resampled" for s in parts for name, _ in s.meta.extra):
        said = (*said, ("resampled", "onto the axis of the first spectrum; neighbours correlate"))
    return replace(
        first, title=title, region=title, intensity_unit=unit, comments=(), index=0, file="", file_format="",
        extra=(*said, *made), **changes,  # type: ignore[arg-type]
    )


def _start(parts: Sequence[Spectrum]) -> Noise:
    """Kind, correlation and origin that a combination begins with."""
    kinds = {s.noise.kind for s in parts}
    kind = kinds.pop() if len(kinds) == 1 else "unknown"
    origins = {s.noise.origin for s in parts}
    origin = "user" if "user" in origins else "estimated" if "estimated" in origins else "file"
    return Noise(kind, correlation=max(s.noise.correlation for s in parts), origin=origin)  # type: ignore[arg-type]


def _propagated(
    done: Spectrum, parts: Sequence[Spectrum], weights: Sequence[float | FloatArray], why: str
) -> Spectrum:
    variances = [channel_variance(s) for s in parts]
    if any(v is None for v in variances):
        return with_variance(done, None, replace(_start(parts), kind="unknown"), why)
    terms = [np.asarray(w) ** 2 * v for w, v in zip(weights, variances, strict=True) if v is not None]
    variance = np.sum(terms, axis=0)
    return with_variance(done, variance, _start(parts), why)


def _weighted(parts: Sequence[Spectrum], weights: FloatArray, y: FloatArray, meta: Meta, why: str) -> Spectrum:
    """A sum with positive weights: exact where all are counted with gains that agree, else the nearest law."""
    shared = all(
        (s.transmission is None) == (parts[0].transmission is None)
        and (s.transmission is None or np.allclose(s.transmission, parts[0].transmission, rtol=1e-6)) for s in parts
    )
    if not shared:
        meta = replace(meta, extra=(*meta.extra, ("transmission", "left out: the spectra have different ones")))
    start = _start(parts)
    done = Spectrum(parts[0].axis, y, start, meta, parts[0].transmission if shared else None)
    noises = [s.noise for s in parts]
    if all(n.kind == "poisson" and n.gain is not None for n in noises):
        gains = np.array([n.gain for n in noises]) * weights
        read = float(np.sqrt(np.sum((weights * [n.read_noise for n in noises]) ** 2)))
        if np.ptp(gains) <= 1e-6 * gains.max():
            return done.with_(noise=replace(start, gain=float(gains[0]), read_noise=read))
    elif all(n.kind == "poisson" for n in noises):
        return done.with_(noise=replace(start, gain=None))
    elif all(n.kind == "gaussian" and n.known for n in noises):
        read = float(np.sqrt(np.sum((weights * [n.read_noise for n in noises]) ** 2)))
        return done.with_(noise=replace(start, read_noise=read))
    elif all(n.kind == "unknown" for n in noises):
        return done.with_(noise=start)
    return _propagated(done, parts, list(weights), why)
