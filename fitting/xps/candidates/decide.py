"""Whether k + 1 states are better than k: a likelihood-ratio test whose limit comes from simulated spectra.

A further peak has no place when its area is zero, so that the fall of the statistic does not follow chi2: the peak may
be anywhere, and the best place is chosen. Spectra with k states are simulated after the fit, both models are fitted to
each in the same way, and the measured fall is compared with theirs.

References
----------
G. J. McLachlan, Appl. Statist. 36, 318 (1987), for the bootstrapped test of the number of components; R. B. Davies,
Biometrika 74, 33 (1987), for the problem; J. Besag, P. Clifford, Biometrika 78, 301 (1991), for stopping early.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from fitting.bootstrap import Source
from fitting.dataset import Spectrum
from fitting.evaluate import Evaluator
from fitting.model import FitModel
from fitting.xps.candidates.grammar import Keys
from fitting.xps.candidates.search import Cancel, Fitted, Fitter, Progress

# Share of spectra with k states that may be taken for more. Half of the usual 5 %, because the number of simulated
# spectra is finite and the form of a line is never known exactly.
LEVEL = 0.025
REPLICAS, FIRST = 99, 39  # 1/40 is the smallest level that 39 simulated spectra can tell
# A further non-negative amount at a known place is the smallest freedom a state can add; its fall exceeds this in 2.5 %
# (half a chi2 with one degree: H. Chernoff, Ann. Math. Statist. 25, 573 (1954)). A smaller fall is never significant.
NEVER = 3.84
# A hundred independent places with four free numbers each reach this once in 3e9 spectra (Bonferroni, chi2 with 4).
CLEAR = 60.0
# Falls so much larger than the largest of the first simulated ones need no more of them.
_FAR = 3.0
# States that are added in every spectrum, and places at which each is tried: a cited range is narrow, a region wide.
_TRIED, _PLACES, _PLACES_ANYWHERE = 3, 1, 5
# Currie's detection limit with 5 % false positives and 5 % misses (L. A. Currie, Anal. Chem. 40, 586 (1968)): what
# two known models must differ by, in -2 ln L of data without noise, to be told apart.
DETECTION_LIMIT = float((2 * norm.ppf(0.95)) ** 2)


@dataclass(frozen=True)
class Step:
    """The test of one size of model against the next.

    Attributes
    ----------
    size : int
        k, the smaller number of states.
    keys : tuple of str
        The model of k states.
    fall : float
        By how much -2 ln L falls with the best model of one more state.
    p : float
        Share of simulated spectra of k states whose statistic falls at least so far; an upper limit where none did.
    replicas : int
        Spectra that were simulated; 0 where the fall is beyond doubt, or too small to count.
    limit : float
        Fall that 2.5 % of the simulated spectra exceed; NaN where fewer than 39 were needed.
    """

    size: int
    keys: Keys
    fall: float
    p: float
    replicas: int
    limit: float

    @property
    def needed(self) -> bool:
        """Whether the data need one more state."""
        return self.p <= LEVEL

    def __str__(self) -> str:
        larger = self.size + 1
        if self.needed:
            how = "beyond doubt" if not self.replicas else f"p ≤ {self.p:.3f}"
            return f"{larger} rather than {self.size}: needed (χ² falls by {self.fall:.1f}, {how})."
        alone = "1 state alone gives" if self.size == 1 else f"{self.size} states alone give"
        chance = f"which {alone} in {100 * self.p:.0f} % of simulated spectra" if self.replicas else "as by chance"
        return f"{larger} rather than {self.size}: not determined (χ² falls by {self.fall:.1f}, {chance})."


def step(
    fitter: Fitter, small: Fitted, others: Sequence[Fitted], *, replicas: int = REPLICAS, seed: int = 0,
    progress: Progress | None = None,
) -> Step:
    """Test a model of k states against those of one more.

    Parameters
    ----------
    fitter : Fitter
    small : Fitted
    others : sequence of Fitted
        Models of k + 1 states that need not contain `small`. All that contain it are tried in every spectrum, from
        several places.
    replicas : int
        Most spectra to simulate; fewer where the answer is clear before.
    """
    size = len(small.keys)
    fall = small.objective - min((f.objective for f in others), default=small.objective)
    if fall > CLEAR:
        return Step(size, small.keys, fall, 1e-9, 0, float("nan"))
    # What more starts may have found in the measured spectrum was not looked for in simulated ones.
    fall = _fall(fitter, small, others)
    if fall < NEVER:
        return Step(size, small.keys, max(fall, 0.0), 1.0, 0, float("nan"))
    source, falls, exceed = Source(fitter.spectrum, small.result), [], 0
    for i in range(replicas):
        if progress is not None:
            progress(i / replicas, f"{size} or {size + 1} states: simulated spectrum {i + 1}")
        drawn = _fall(fitter.on(source.replica(np.random.default_rng([seed, size, i]))), small, others)
        falls.append(drawn)
        exceed += drawn >= fall
        if (exceed + 1) / (replicas + 1) > LEVEL:
            break
        if len(falls) == FIRST and exceed == 0 and fall > _FAR * max(falls):
            break
    limit = float(np.quantile(falls, 1 - LEVEL)) if len(falls) >= FIRST else float("nan")
    return Step(size, small.keys, fall, (exceed + 1) / (len(falls) + 1), len(falls), limit)


def _fall(fitter: Fitter, small: Fitted, others: Sequence[Fitted]) -> float:
    """How far the statistic falls, found by the same search in the measured and in simulated spectra."""
    null = fitter.best(small.keys, [small.result.model])
    if null is None:
        return 0.0
    places = _PLACES_ANYWHERE if fitter.grammar.repeat else _PLACES
    tried: list[Fitted | None] = [fitter.larger(null, keys, places) for keys in fitter.likely(null, _TRIED)]
    tried.extend(
        fitter.best(other.keys, [other.result.model]) for other in others if not _contains(other.keys, small.keys)
    )
    return null.objective - min([null.objective, *(found.objective for found in tried if found is not None)])


def _contains(large: Keys, small: Keys) -> bool:
    left = list(large)
    for key in small:
        if key not in left:
            return False
        left.remove(key)
    return len(left) == 1


def expected(spectrum: Spectrum, truth: FitModel) -> Spectrum:
    """The spectrum that a model expects, without noise."""
    evaluator = Evaluator(spectrum, truth)
    counts = np.array(spectrum.y, dtype=float)
    counts[spectrum.axis.window(*truth.region)] = evaluator.parts(evaluator.values_of(truth)).envelope
    return spectrum.with_(counts=counts)


def expected_fall(spectrum: Spectrum, truth: FitModel, fitter: Fitter, start: FitModel) -> float:
    """How far the best model of a smaller size lies from the truth: -2 ln L of data without noise.

    With noise, the fall of the statistic from the smaller to the true model has about this mean (plus the number of
    additional parameters). Two known models are told apart with 5 % errors of either kind where it is at least
    `DETECTION_LIMIT`: below, no test of the number of states has that power, since it knows less.

    Parameters
    ----------
    spectrum : Spectrum
        Axis and noise.
    truth : FitModel
    fitter : Fitter
    start : FitModel
        The smaller model.
    """
    result = fitter.on(expected(spectrum, truth)).descend(start)
    return float("nan") if result is None else float(result.deviance)


__all__ = ["CLEAR", "DETECTION_LIMIT", "LEVEL", "Cancel", "Step", "expected", "expected_fall", "step"]
