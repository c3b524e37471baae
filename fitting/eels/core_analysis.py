"""Core-loss analysis of one spectrum: joint model, quantification by windows beside it, error budget."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fitting.dataset import FloatArray, Spectrum
from fitting.eels.conditions import beam_of
from fitting.eels.core_background import EdgeSignal
from fitting.eels.core_edges import EdgeCurve, Response, edge_curve, exposure_ratio, response_of
from fitting.eels.core_model import EXPONENTS, CoreFit, EdgeTerm, fit_core
from fitting.eels.core_setup import CoreEdge, CoreResult, CoreRow, CoreSetup
from fitting.eels.core_windows import background_window, signal_of
from fitting.eels.kinematics import Beam
from fitting.eels.onsets import find_onset
from libraries.edges import edge
from libraries.errors import BadData, Cancelled, NotDetermined, SodaliteError

Progress = Callable[[float, str], None]
Cancel = Callable[[], bool]
CurveOf = Callable[[str, Beam, float], EdgeCurve]  # cross-sections of the user: (edge, beam, length)
WIDTH = 50.0  # eV of fine structure where there is room
_ROOM = 2 / 3  # share of the room to the next edge or the end that a fine structure takes
# Of the first onset: there begins the fitted range (background of 10 to 30 % of the edge energy; Egerton 2011, ch. 4).
_START = 0.85
_LEAST_BEFORE = 8  # channels that a background needs
_CRITICAL = 1.644854  # one-sided 95 % (L. A. Currie, Anal. Chem. 40 (1968) 586)
_WIDTHS = (0.75, 1.25)  # of the fine structure, for the part of the error budget


@dataclass(frozen=True, eq=False)
class Prepared:
    """All that a fit needs."""

    energy: FloatArray
    counts: FloatArray
    terms: tuple[EdgeTerm, ...]
    response: Response | None
    beam: Beam
    warnings: tuple[str, ...]


def fitted_range(core: Spectrum, setup: CoreSetup) -> tuple[float, float]:
    """Ends of the fitted range in eV.

    Raises
    ------
    BadData
        If there is no edge, one lies outside the axis, or too near its start for a background.
    """
    used = setup.used
    if not used:
        raise BadData("No edge is chosen", where=core.name, todo="Add the edges that are to be quantified")
    first, last, step = float(core.x[0]), float(core.x[-1]), core.axis.step
    for one in used:
        if not first < one.at < last:
            raise BadData(f"The edge at {one.at:g} eV lies outside the axis ({first:g} to {last:g} eV)", where=one.name,
                          todo="Leave it out, or load the spectrum that holds it")
    low = max(first, _START * used[0].at) if setup.low is None else max(setup.low, first)
    high = last if setup.high is None else min(setup.high, last)
    if low <= 0:
        raise BadData("The fitted range must lie above 0 eV", where=core.name, todo="Set its lower end")
    if used[0].at - low < _LEAST_BEFORE * step:
        raise BadData("The edge lies too near the start for a background", where=used[0].name,
                      todo="Begin the fitted range earlier, or leave this edge out")
    if high <= used[-1].at + 5 * step:
        raise BadData("The fitted range ends before or at this edge", where=used[-1].name, todo="Widen the range")
    return low, high


def prepare(core: Spectrum, low: Spectrum | None, setup: CoreSetup, gosh: CurveOf | None = None) -> Prepared:
    """Checks everything and computes cross-sections and response.

    Parameters
    ----------
    core : Spectrum
        Single, processed.
    low : Spectrum or None
        Low loss of the same place.
    gosh : callable, optional
        Cross-sections from the user's file.

    Raises
    ------
    BadData, NotDetermined
    """
    if core.axis.quantity != "energy_loss":
        raise BadData("This is no energy-loss spectrum", where=core.name)
    steps = np.diff(core.x)
    if np.ptp(steps) > 2e-3 * abs(float(np.mean(steps))):
        raise BadData("The energy axis is not evenly spaced", where=core.name, todo="Resample it on the page Process")
    beam = beam_of(core)
    _ = beam.e0, beam.alpha, beam.beta  # says which is missing
    first, last = fitted_range(core, setup)
    part = core.window(first, last)
    warnings: list[str] = []
    response = None
    if setup.convolve:
        if low is None:
            raise NotDetermined("There is no low loss to convolve the edges with", where=core.name,
                                todo="Choose the low loss of the same place, or fit without it (thin sample)")
        scale = exposure_ratio(core, low) if setup.exposure is None else setup.exposure
        response = response_of(low, core.axis.step, scale)
        warnings += response.warnings
    else:
        warnings.append("Edges are not convolved with a low loss: plural scattering is not in the model")
    terms = []
    widths = fine_widths(setup, last)
    for one in setup.used:
        length = last - one.at + 20.0
        if one.model == "gosh":
            if gosh is None:
                raise NotDetermined("No file of oscillator strengths is loaded", where=one.name,
                                    todo="Choose the file, or another cross-section")
            curve = gosh(one.name, beam, length)
        else:
            curve = edge_curve(edge(one.name), beam, length, model=one.model or None)
        # A free fine structure holds the white lines.
        warnings += [text for text in curve.warnings if one.fine != "free" or "white lines" not in text]
        width = widths[one.name]
        onset, error = _onset(core, setup, one, warnings)
        terms.append(EdgeTerm(curve, onset, one.fine, width, error))
        if one.fine == "free" and width > 0.95 * (last - one.at):
            raise BadData("The fine structure leaves nothing of the edge that tells its amount", where=one.name,
                          todo="Make it narrower, or keep its integral")
    if np.any(part.y < 0):
        share = 100 * float(np.mean(part.y < 0))
        warnings.append(f"{share:.1f} % of the fitted channels hold negative counts: is the dark correction right?")
    return Prepared(part.x, part.y, tuple(terms), response, beam, tuple(dict.fromkeys(warnings)))


def _onset(core: Spectrum, setup: CoreSetup, one: CoreEdge, warnings: list[str]) -> tuple[float, float]:
    """Onset of an edge and its error: as set, or found in the data (else as set, and that is said)."""
    if not one.fit_onset:
        return one.at, 0.0
    try:
        found = find_onset(core.x, core.y, one.at, others=tuple(other.at for other in setup.used), name=one.name)
    except NotDetermined as reason:
        warnings.append(f"{one.name}: {reason.what[0].lower()}{reason.what[1:]}; {one.at:.1f} eV is used")
        return one.at, 0.0
    return found.energy, found.error


def fine_widths(setup: CoreSetup, last: float) -> dict[str, float]:
    """Width in eV of the fine structure of each edge that is fitted up to `last` eV."""
    return {one.name: one.width if one.width is not None else min(WIDTH, _ROOM * room)
            for one, room in zip(setup.used, _rooms(setup, last), strict=True)}


def _rooms(setup: CoreSetup, last: float) -> list[float]:
    """eV from each edge to the next one, or to the end."""
    onsets = [one.at for one in setup.used]
    return [after - onset for onset, after in zip(onsets, [*onsets[1:], last], strict=True)]


def analyse(
    core: Spectrum, low: Spectrum | None, setup: CoreSetup, *, gosh: CurveOf | None = None, place: str = "",
    progress: Progress | None = None, cancel: Cancel | None = None,
) -> CoreResult:
    """Fit the joint model, quantify by windows beside it, and add up the errors.

    Parameters
    ----------
    As `prepare`.

    Returns
    -------
    CoreResult

    Raises
    ------
    BadData, NotDetermined
        Before anything is computed, where something is missing or does not fit.
    """
    tell = progress or (lambda fraction, text: None)

    def stop() -> None:
        if cancel is not None and cancel():
            raise Cancelled

    tell(0.05, "Cross-sections")
    ready = prepare(core, low, setup, gosh)
    stop()
    tell(0.2, "Joint fit")
    fit = fit_core(ready.energy, ready.counts, ready.terms, response=ready.response, noise=core.noise)
    stop()
    tell(0.6, "Widths of the fine structure")
    fine = _fine_spread(ready, fit, core, stop)
    tell(0.85, "Angles")
    angles = _angle_slopes(ready, setup, gosh)
    windows = [_window(core, setup, one, term, ready, fit.gain * fit.correlation)
               for one, term in zip(setup.used, ready.terms, strict=True)]
    tell(1.0, "")
    return _result(core, low, setup, ready, fit, fine, angles, windows, place)


def _fine_spread(ready: Prepared, fit: CoreFit, core: Spectrum, stop: Callable[[], None]) -> FloatArray:
    """Relative change (k, 2) of the amounts when the fine structure is chosen a quarter narrower or wider."""
    change = np.zeros((len(fit.edges), len(_WIDTHS)))
    if all(term.fine == "none" for term in ready.terms):
        return change
    whole = np.where(fit.amounts > 0, fit.amounts, np.nan)
    for column, factor in enumerate(_WIDTHS):
        stop()
        end = float(ready.energy[-1])
        terms = tuple(replace(term, width=min(factor * term.width, 0.9 * (end - term.onset))) for term in ready.terms)
        try:
            other = fit_core(ready.energy, ready.counts, terms, response=ready.response, noise=core.noise,
                             exponent=fit.exponent)
        except SodaliteError:
            continue
        change[:, column] = np.nan_to_num(other.amounts / whole - 1.0)
    return change


def _angle_slopes(ready: Prepared, setup: CoreSetup, gosh: CurveOf | None) -> FloatArray:
    """Relative change (k, 2) of the amounts for one standard error of beta, and of alpha."""
    beam, change = ready.beam, np.zeros((len(ready.terms), 2))
    if setup.angle_error == 0 or beam.collection is None or beam.convergence is None:
        return change
    shifted = (replace(beam, collection=beam.collection * (1 + setup.angle_error)),
               replace(beam, convergence=beam.convergence * (1 + setup.angle_error)))
    for number, (one, term) in enumerate(zip(setup.used, ready.terms, strict=True)):
        whole = term.curve.integral(SIGMA_TO)
        for column, other in enumerate(shifted):
            if other == beam:
                continue
            curve = gosh(one.name, other, SIGMA_TO + 1) if one.model == "gosh" and gosh is not None else \
                edge_curve(edge(one.name), other, SIGMA_TO + 1, model=one.model or None)  # type: ignore[arg-type]
            change[number, column] = whole / curve.integral(SIGMA_TO) - 1.0
    return change


SIGMA_TO = 50.0


@dataclass(frozen=True, eq=False)
class _Window:
    signal: EdgeSignal | None
    sigma: float
    h: float
    words: str


def _window(core: Spectrum, setup: CoreSetup, one: CoreEdge, term: EdgeTerm, ready: Prepared, gain: float) -> _Window:
    """Signal of an edge in its window above an extrapolated background."""
    try:
        before = (one.before[0], one.before[1]) if one.before else background_window(core, setup, one)
        signal, h, _ = signal_of(core, setup, one, before, gain=gain, term=term, response=ready.response)
    except SodaliteError as error:
        return _Window(None, math.nan, math.nan, str(error))
    inside = (ready.energy >= signal.window[0]) & (ready.energy <= signal.window[1])
    if not inside.any():
        return _Window(None, math.nan, math.nan, "The signal window lies outside the fitted range")
    # The same plural scattering as in the data: the unit edge convolved with the low loss, summed over the window.
    # Without a fine structure of its own the edge needs the mean height of the white lines in its cross-section.
    curve = term.curve
    if curve.model == "hydrogenic":
        length = float(ready.energy[-1]) - one.at + 20.0
        curve = edge_curve(edge(one.name), ready.beam, length, model="hydrogenic", white_lines=True)
    column = curve.columns(ready.energy, term.onset, None, ready.response)[:, 0]
    words = (f"{setup.method}, {before[0]:.0f}–{before[1]:.0f} eV; signal {signal.window[0]:.0f}–"
             f"{signal.window[1]:.0f} eV")
    return _Window(signal, float(column[inside].sum()), h, words)


def shares(
    elements: Sequence[str], amounts: FloatArray, statistical: FloatArray, systematic: Sequence[FloatArray]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Fractions of the elements, their covariance, and the relative covariance of the amounts.

    Parameters
    ----------
    amounts : array, shape (k,)
    statistical : array, shape (k, k)
        Covariance of the amounts.
    systematic : sequence of array (k,)
        Relative changes of the amounts for one standard error of one common cause each.
    """
    if np.sum(amounts) <= 0:
        raise NotDetermined("The edges hold no signal", where=", ".join(elements), todo="Check range and edges")
    whole = statistical.copy()
    for cause in systematic:
        whole += np.outer(cause * amounts, cause * amounts)
    fraction = amounts / np.sum(amounts)
    jacobian = (np.eye(amounts.size) - fraction[:, None]) / np.sum(amounts)
    size = np.where(amounts > 0, amounts, np.sqrt(np.diag(statistical)))
    return fraction, jacobian @ whole @ jacobian.T, whole / np.outer(size, size)


def _result(
    core: Spectrum, low: Spectrum | None, setup: CoreSetup, ready: Prepared, fit: CoreFit, fine: FloatArray,
    angles: FloatArray, windows: list[_Window], place: str,
) -> CoreResult:
    first = {}
    for number, found in enumerate(fit.edges):
        first.setdefault(found.element, number)
    chosen = list(first.values())
    warnings = list(ready.warnings)
    if len(chosen) < len(fit.edges):
        warnings.append("Of an element with two edges the first one counts for the composition")
    if not np.any(fit.background > 0) or not EXPONENTS[0] + 1e-3 < fit.exponent < EXPONENTS[1] - 1e-3:
        warnings.append("The background is not determined: its power law is at a limit. Widen the range below the edge")
    amounts, errors = fit.amounts, fit.errors
    sigma = np.array([term.curve.relative_error for term in ready.terms])
    causes = [np.eye(len(sigma))[i] * sigma[i] for i in range(len(sigma))] + list(angles.T)
    causes.append(fine[:, 0] / math.sqrt(2))
    causes.append(fine[:, 1] / math.sqrt(2))
    fraction, covariance, relative = shares(
        list(first), amounts[chosen], fit.covariance[np.ix_(chosen, chosen)], [cause[chosen] for cause in causes])
    by_window, window_errors = _window_shares(chosen, windows, causes)
    low_err = ready.response.total_err if ready.response is not None else math.nan
    absolute = ready.response is not None and ready.response.absolute
    if not absolute:
        warnings.append("Atoms/nm² need the exposures of core loss and low loss; at.% do not")
    rows = []
    for i, (found, term) in enumerate(zip(fit.edges, ready.terms, strict=True)):
        size = found.amount if found.amount > 0 else math.nan
        background = errors[i] / size * math.sqrt(fit.background_share[i])
        counting = errors[i] / size * math.sqrt(1 - fit.background_share[i])
        spread = float(np.sqrt(np.sum(fine[i] ** 2) / 2))
        angle = float(np.sqrt(np.sum(angles[i] ** 2)))
        parts = (counting, background, spread, float(sigma[i]), angle, low_err if absolute else 0.0)
        total = math.sqrt(sum(part**2 for part in parts))
        at = chosen.index(i) if i in chosen else None
        percent = math.nan if at is None else 100 * float(fraction[at])
        error = math.nan if at is None else 100 * math.sqrt(max(float(covariance[at, at]), 0.0))
        signal = windows[i].signal
        rows.append(CoreRow(
            found.name, found.element, percent, error, found.amount if absolute else math.nan,
            found.amount * total if absolute else math.nan,
            math.nan if found.seen or at is None else percent + _CRITICAL * error, found.seen, found.onset,
            found.onset_err, found.counts, term.curve.model, term.curve.source, counting, background, spread,
            float(sigma[i]), angle, low_err if absolute else math.nan,
            by_window[at] if at is not None else math.nan, window_errors[at] if at is not None else math.nan,
            signal.snr if signal is not None else math.nan, windows[i].h, windows[i].words))
    beam = ready.beam
    return CoreResult(
        tuple(rows), tuple(tuple(map(float, row)) for row in relative), fit.exponent, fit.exponent_err, fit.gain,
        fit.chi2, (float(ready.energy[0]), float(ready.energy[-1])), place, core.hash, low.hash if low else "", setup,
        (float(beam.energy or 0), float(beam.convergence or 0), float(beam.collection or 0)),
        tuple(fit.energy.tolist()), tuple(fit.background.tolist()),
        tuple(tuple(found.curve.tolist()) for found in fit.edges), tuple(dict.fromkeys(warnings)))


def _window_shares(
    chosen: Sequence[int], windows: Sequence[_Window], causes: Sequence[FloatArray]
) -> tuple[list[float], list[float]]:
    nothing = [math.nan] * len(chosen)
    picked = [windows[i] for i in chosen]
    signals = [one.signal for one in picked]
    if any(signal is None for signal in signals):
        return nothing, nothing
    sigma = np.array([one.sigma for one in picked])
    counts = np.array([signal.counts for signal in signals if signal is not None])
    noise = np.array([signal.error for signal in signals if signal is not None])
    if np.any(sigma <= 0) or np.sum(counts / sigma) <= 0:
        return nothing, nothing
    fraction, covariance, _ = shares([], counts / sigma, np.diag((noise / sigma) ** 2),
                                     [cause[list(chosen)] for cause in causes[:-2]])
    return (100 * fraction).tolist(), (100 * np.sqrt(np.diag(covariance))).tolist()
