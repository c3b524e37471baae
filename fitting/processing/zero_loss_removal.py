"""The step that takes the zero-loss peak away, by a method that is kept in the recipe with its limits."""

from __future__ import annotations

import numpy as np

from fitting.dataset import FloatArray, Spectrum
from fitting.eels.separation import METHODS, Method, Rule, Separation, separate, separate_rows
from fitting.model import Curve
from fitting.processing.noise import noted, with_variance
from fitting.processing.smoothing import is_even
from fitting.processing.step import Step, Value
from fitting.statistics import correlation_factor
from libraries.errors import BadData


def rule_step(kind: str, rule: Rule, more: tuple[tuple[str, Value], ...] = (), note: str = "") -> Step:
    """A step of some kind that keeps a rule for the zero-loss peak; a vacuum reference becomes its first curve."""
    params: list[tuple[str, Value]] = [("method", rule.method), ("limit", float(rule.limit))]
    if rule.low is not None:
        params.append(("low", float(rule.low)))
    curves = () if rule.reference is None else (
        Curve(tuple(rule.reference[0]), tuple(rule.reference[1]), "vacuum reference"),)
    return Step(kind, (*params, *more), note, curves=curves)


def rule_of(step: Step) -> Rule:
    """The rule that a step keeps."""
    method: Method = step.word("method", METHODS)  # type: ignore[assignment]
    reference = None
    if method == "vacuum reference":
        if not step.curves:
            raise BadData("The vacuum measurement is missing", where="zero-loss removal", todo="Choose the spectrum")
        reference = (np.array(step.curves[0].x), np.array(step.curves[0].y))
    return Rule(method, step.number("limit"), step.number("low") if step.has("low") else None, reference)


def check_axis(spectrum: Spectrum) -> None:
    """Energy losses with equal steps and with the zero-loss peak on the axis.

    Raises
    ------
    BadData
    """
    if spectrum.axis.quantity != "energy_loss" or not is_even(spectrum.axis):
        raise BadData("Energy losses with equal steps are needed", where=spectrum.name, todo="Resample the axis first")
    if not spectrum.x[0] < 0.0 < spectrum.x[-1]:
        raise BadData(f"There is no zero loss on this axis ({spectrum.x[0]:g} to {spectrum.x[-1]:g} eV)",
                      where=spectrum.name, todo="Calibrate the energy scale, or use the low loss of the same scan")


def separated(spectrum: Spectrum, rule: Rule) -> Separation:
    """Zero loss and losses of a single spectrum; the error of the area is NaN where the size of the noise is unknown.

    Raises
    ------
    BadData, NotDetermined, FitFailed
        As `fitting.eels.separation`.
    """
    check_axis(spectrum)
    noise = spectrum.noise
    known = noise.kind == "poisson" and noise.gain is not None
    gain = (noise.gain or 1.0) * correlation_factor(max(noise.correlation, 0.0))
    found = separate(spectrum.x, spectrum.y, rule, gain=gain)
    if known:
        return found
    return Separation(found.zero_loss, found.inelastic, found.area, float("nan"), found.method, found.centre,
                      found.limit, found.note)


def remove_zero_loss(spectrum: Spectrum, step: Step) -> Spectrum:
    """The losses from the limit on; below it nothing can be told of them.

    The variance of a channel stays that of all that was counted there, and the mirrored tail adds its own.
    """
    rule = rule_of(step)
    check_axis(spectrum)
    keep = spectrum.x >= rule.limit
    if np.count_nonzero(keep) < 4:
        raise BadData(f"Fewer than four channels lie above {rule.limit:g} eV", where=spectrum.name)
    if not spectrum.navigation:
        found = separated(spectrum, rule)
        done = _kept(spectrum, found.inelastic, keep)
        text = f"{found.method}, from {rule.limit:g} eV on; I0 = {found.area:.5g}; {found.note}"
        return noted(_with_noise(done, spectrum, found.zero_loss, keep, rule), "zero loss removed", text)
    result, lost = np.empty((spectrum.pixels, int(keep.sum()))), 0
    for start, stop, rows in spectrum.pieces():
        zero, found_here = separate_rows(spectrum.x, rows, rule)
        result[start:stop] = np.where(found_here[:, None], (rows - zero)[:, keep], 0.0)
        lost += int(np.count_nonzero(~found_here))
    done = _kept(spectrum, result.reshape(*spectrum.counts.shape[:-1], -1), keep)
    text = f"{rule.method}, from {rule.limit:g} eV on; the noise of the subtracted tail is not in the noise"
    if lost:
        text += f"; {lost} spectra without a measurable zero-loss peak were set to zero"
    return noted(done, "zero loss removed", text)


def _kept(spectrum: Spectrum, counts: FloatArray, keep: np.ndarray) -> Spectrum:
    axis = type(spectrum.axis)(spectrum.x[keep], spectrum.axis.quantity, spectrum.axis.unit)
    if counts.shape[-1] != len(axis):
        counts = counts[..., keep]
    return spectrum.with_(axis=axis, counts=counts, transmission=None)


def _with_noise(done: Spectrum, before: Spectrum, zero: FloatArray, keep: np.ndarray, rule: Rule) -> Spectrum:
    """The nearest noise law to variances of all counts and, for a mirrored tail, of the tail itself."""
    noise = before.noise
    if noise.kind != "poisson" or noise.gain is None:
        return done
    variance = noise.gain * np.maximum(before.y[keep], 0.0) + noise.read_noise**2
    if rule.method == "mirrored tail":
        variance = variance + noise.gain * np.maximum(zero[keep], 0.0)
    floor = noise.gain * max(float(np.mean(variance)) / noise.gain * 1e-3, 1e-12)
    return with_variance(done, np.maximum(variance, floor), noise, "zero loss removed")
