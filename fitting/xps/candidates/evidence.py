"""What speaks for and against a fitted candidate: structure in its residuals, widths, energies, bounds, starts."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from fitting.curves import curves
from fitting.dataset import FloatArray, Spectrum
from fitting.engine import spoken
from fitting.result import FitResult
from fitting.xps.candidates.build import width_of
from fitting.xps.candidates.grammar import Grammar, State, cited_widths
from fitting.xps.candidates.search import Fitted

# Residuals of a model that misses nothing are seen with less than this probability.
_STRUCTURE = 0.01


@dataclass(frozen=True)
class Structure:
    """Whether neighbouring residuals go together, as they do where a model misses something.

    Attributes
    ----------
    durbin_watson : float
        Sum of squared differences of neighbours over the sum of squares; 2 for independent residuals, less where
        neighbours resemble each other (J. Durbin, G. S. Watson, Biometrika 37, 409 (1950)).
    correlation : float
        Of neighbouring residuals.
    runs : int
        Stretches of one sign.
    p : float
        Probability of residuals that go together at least so much by chance: the smaller of that of the runs (A. Wald,
        J. Wolfowitz, Ann. Math. Stat. 11, 147 (1940)) and of the correlation, doubled for having looked twice.
    """

    durbin_watson: float
    correlation: float
    runs: int
    p: float

    @property
    def left(self) -> bool:
        """Whether the model misses something."""
        return self.p < _STRUCTURE


def structure(residual: FloatArray, correlation: float = 0.0) -> Structure:
    """Structure of normalised residuals, shape (n,).

    Parameters
    ----------
    residual : array
    correlation : float
        Of neighbouring channels as the noise has it; only what exceeds it counts.
    """
    r = np.asarray(residual, dtype=float)
    n, total = r.size, float(np.sum(r**2))
    if n < 8 or total <= 0:
        return Structure(math.nan, math.nan, 0, 1.0)
    watson = float(np.sum(np.diff(r) ** 2)) / total
    lag = float(np.sum(r[1:] * r[:-1])) / total
    p_lag = float(norm.sf((lag - correlation) * math.sqrt(n)))
    positive = r > 0
    up, down = int(np.sum(positive)), int(np.sum(~positive))
    runs = 1 + int(np.sum(positive[1:] != positive[:-1]))
    p_runs = 1.0
    if up and down and correlation == 0:
        mean = 1 + 2 * up * down / n
        variance = (mean - 1) * (mean - 2) / (n - 1)
        if variance > 0:
            p_runs = float(norm.cdf((runs - mean) / math.sqrt(variance)))
    return Structure(watson, lag, runs, min(2 * min(p_lag, p_runs), 1.0))


@dataclass(frozen=True)
class StateFit:
    """How a state came out, beside what the library cites.

    Attributes
    ----------
    key, name, id : str
        State and its main component.
    position, position_error, fwhm : float
        In eV.
    area, area_error : float
        Of all its peaks together.
    outside : float
        By how much the position leaves the cited range, in eV; 0 inside, NaN where nothing is cited.
    compounds : str
    """

    key: str
    name: str
    id: str
    position: float
    position_error: float
    fwhm: float
    area: float
    area_error: float
    outside: float
    compounds: str = ""


def state_fits(fitted: Fitted, grammar: Grammar) -> tuple[StateFit, ...]:
    """Every state of a fitted model."""
    result, model = fitted.result, fitted.result.model
    rows = []
    for key, id in zip(fitted.keys, fitted.ids, strict=True):
        state = grammar.state(key)
        total = 1.0 + sum(part.ratio for part in state.parts)
        position = result.value(f"{id}.position")
        outside = math.nan if grammar.repeat else max(state.low - position, position - state.high, 0.0)
        rows.append(
            StateFit(
                key, model.component(id).name, id, position, result.scaled_error(f"{id}.position"),
                width_of(model, id), total * result.value(f"{id}.area"), total * result.scaled_error(f"{id}.area"),
                outside, state.compounds,
            )
        )
    return tuple(rows)


def remarks(fitted: Fitted, grammar: Grammar, states: tuple[StateFit, ...]) -> tuple[str, ...]:
    """What makes a candidate less plausible, in words; empty where nothing does."""
    found: list[str] = []
    least, largest = cited_widths()
    seen: set[str] = set()
    for row in states:
        state = grammar.state(row.key)
        if row.outside > 0.05:
            found.append(f"{row.name} lies {row.outside:.2f} eV outside its cited {_range(state)} eV")
        if state.profile not in seen:
            seen.add(state.profile)
            if not least <= row.fwhm <= largest and "shake-up" not in state.profile:
                found.append(f"{row.name} is {row.fwhm:.2f} eV wide; cited lines are {least:.2f} to {largest:.2f} eV")
        if not row.area > 2 * row.area_error:
            found.append(f"{row.name} has an area below twice its error")
    if fitted.merged():
        found.append("Two states stand closer than can be resolved")
    found.extend(_bounds(fitted.result))
    return tuple(found)


def _range(state: State) -> str:
    return f"{state.low:.1f}" if state.low == state.high else f"{state.low:.1f}–{state.high:.1f}"


def _bounds(result: FitResult) -> list[str]:
    # A mixing of 0 or a tail of none is a form like any other; a position or width on its bound is not.
    names = [n for n in result.at_bound if n.endswith(".position") or ".fwhm" in n]
    return [f"The {spoken(result.model, name)} is on its bound" for name in names]


def structure_of(spectrum: Spectrum, result: FitResult) -> Structure:
    """Structure in the residuals of a fit."""
    return structure(curves(spectrum, result.model).residual, spectrum.noise.correlation)
