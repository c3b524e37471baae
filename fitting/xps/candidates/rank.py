"""Candidates, ranked: what the data say for each, and what the choice between them does to the areas.

The result is a list of candidates. Which one is true the data often cannot say; the analyst decides.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from fitting.dataset import Spectrum
from fitting.model import FitModel
from fitting.result import FitResult, incomparable
from fitting.xps.candidates.build import named
from fitting.xps.candidates.decide import REPLICAS, Cancel, Progress, Step, step
from fitting.xps.candidates.evidence import StateFit, Structure, remarks, state_fits, structure_of
from fitting.xps.candidates.grammar import Grammar, Keys
from fitting.xps.candidates.search import Fitted, Fitter, search
from libraries.errors import NotDetermined

STARTS, SEED, SHOWN = 8, 0, 12
# K. P. Burnham, D. R. Anderson, Model Selection and Multimodel Inference, 2nd ed. (2002), section 2.6: up to 2
# substantial support, above 10 essentially none.
EQUAL, POSSIBLE = 2.0, 10.0
# No line form is known to a few percent of its height (GL against Voigt, vibrations of polymers): a state below this
# share of the area may stand for that. It is only pointed at; nothing is left out for it.
_SMALL = 0.03
_TWIN = 0.02  # models whose -2 ln L and energies (eV) agree so closely are the same curve under other names


@dataclass(frozen=True, eq=False)
class Candidate:
    """One model with all that speaks for and against it.

    Attributes
    ----------
    keys : tuple of str
    states : tuple of StateFit
    result : FitResult
    aicc, bic : float
    delta : float
        AICc above the lowest of all candidates.
    weight : float
        Akaike weight among the candidates.
    structure : Structure
        Of the residuals.
    remarks : tuple of str
        What makes it less plausible.
    hits, starts : int
        How many of the starts ended in this minimum.
    verdict : str
        In a few words.
    also : tuple of str
        Other names under which the same curve was found.
    """

    keys: Keys
    states: tuple[StateFit, ...]
    result: FitResult
    aicc: float
    bic: float
    delta: float
    weight: float
    structure: Structure
    remarks: tuple[str, ...]
    hits: int
    starts: int
    verdict: str = ""
    also: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Number of states."""
        return len(self.keys)

    @property
    def model(self) -> FitModel:
        """The fitted model."""
        return self.result.model

    @property
    def label(self) -> str:
        """The states, from low to high binding energy."""
        rows = sorted(self.states, key=lambda s: s.position)
        if len({s.key for s in rows}) < len(rows) or rows[0].key == "peak":
            return ", ".join(f"{s.position:.2f}" for s in rows) + " eV"
        return " + ".join(s.name for s in rows)


@dataclass(frozen=True, eq=False)
class Candidates:
    """What a search found.

    Attributes
    ----------
    found : tuple of Candidate
        Best AICc first.
    steps : tuple of Step
        The tests of k against k + 1 states, in the order in which they were made.
    size : int
        Number of states that the data need; whether there are more is not determined.
    remarks : tuple of str
        What the analyst must know of the references.
    grammar : str
    seed : int
    """

    found: tuple[Candidate, ...]
    steps: tuple[Step, ...]
    size: int
    remarks: tuple[str, ...]
    grammar: str
    seed: int

    @property
    def supported(self) -> Candidate:
        """The best of the models with as many states as the data need."""
        return next((c for c in self.found if c.size == self.size), self.found[0])

    def summary(self) -> str:
        """One sentence: how many states, and what stays open."""
        count = f"{self.size} state" + ("" if self.size == 1 else "s")
        open_ = [s for s in self.steps if not s.needed]
        rivals = sum(c.size == self.size and 0 < c.delta - self.supported.delta <= POSSIBLE for c in self.found)
        text = f"The data need {count}."
        if self.supported.structure.left:
            text = f"None of the candidates describes the data; the best of them need {count}."
        if open_:
            chance = f" (p = {open_[-1].p:.2g})" if open_[-1].replicas else ""
            text += f" Whether there are more is not determined{chance}."
        if not open_ and self.steps and self.size > 1:
            text += " Larger models were not tried."
        areas = {s.name: s.area for s in self.supported.states}
        name, share = min(areas, key=lambda n: areas[n]), min(areas.values()) / max(sum(areas.values()), 1e-300)
        if len(areas) > 1 and share < _SMALL:
            text += f" {name} has {100 * share:.1f} % of the area; a line form that is slightly off can look like that."
        if rivals:
            text += f" {rivals} other {'choice' if rivals == 1 else 'choices'} of {count} cannot be ruled out."
        return text


def find(
    spectrum: Spectrum,
    base: FitModel,
    grammar: Grammar,
    *,
    starts: int = STARTS,
    seed: int = SEED,
    replicas: int = REPLICAS,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Candidates:
    """Search, fit and rank the models of a grammar.

    Parameters
    ----------
    spectrum : Spectrum
        A single spectrum, after its recipe.
    base : FitModel
        Region, background, and components of other lines, which are in every candidate.
    grammar : Grammar
    starts : int
        For each model that is shown; the count of those that end in the same minimum is given.
    seed : int
        Of random starts and simulated spectra.
    replicas : int
        Most simulated spectra for one test of k against k + 1.

    Raises
    ------
    NotDetermined
        If no model of the grammar can be fitted.
    Cancelled
    """
    chosen = grammar if grammar.repeat else grammar.within(base.region)
    fitter = Fitter(spectrum, chosen, base, cancel)
    levels = search(fitter, progress=progress)
    if not levels:
        raise NotDetermined("No candidate could be fitted", where=base.name, todo="Check region and background")
    levels = _refined(fitter, levels, starts, seed, progress)
    steps, size = _steps(fitter, levels, replicas, seed, progress)
    found = _ranked(fitter, levels, size)
    if progress is not None:
        progress(1.0, "Candidates")
    return Candidates(found, steps, size, chosen.remarks, chosen.name, seed)


def _refined(
    fitter: Fitter, levels: dict[int, list[Fitted]], starts: int, seed: int, progress: Progress | None
) -> dict[int, list[Fitted]]:
    """The models that may be shown, fitted from many starts; the best of every size among them."""
    everything = sorted((f for fs in levels.values() for f in fs if f.sensible), key=lambda f: f.result.aicc)
    keep = {id(f) for f in everything[:SHOWN]} | {id(fs[0]) for fs in levels.values()}
    out: dict[int, list[Fitted]] = {}
    done, total = 0, max(len(keep), 1)
    for size, fits in levels.items():
        rows = []
        for fitted in fits:
            if id(fitted) not in keep:
                continue
            if progress is not None:
                progress(0.5 + 0.2 * done / total, f"Start again: model {done + 1} of {total}")
            rows.append(fitter.again(fitted, starts, seed))
            done += 1
        out[size] = sorted(rows, key=lambda f: (not f.sensible, f.objective))
    return {size: rows for size, rows in out.items() if rows}


def _steps(
    fitter: Fitter, levels: dict[int, list[Fitted]], replicas: int, seed: int, progress: Progress | None
) -> tuple[tuple[Step, ...], int]:
    """Tests from one state on until one more is not needed."""
    steps: list[Step] = []
    sizes = sorted(levels)
    size = sizes[0]
    while size + 1 in levels:
        small = levels[size][0]
        told = _part_of(progress, 0.7 + 0.3 * (size - 1) / len(sizes), 0.3 / len(sizes))
        steps.append(step(fitter, small, levels[size + 1][:1], replicas=replicas, seed=seed, progress=told))
        if not steps[-1].needed:
            break
        size += 1
    return tuple(steps), size


def _part_of(progress: Progress | None, first: float, share: float) -> Progress | None:
    if progress is None:
        return None
    return lambda fraction, text: progress(first + share * fraction, text)


def _ranked(fitter: Fitter, levels: dict[int, list[Fitted]], size: int) -> tuple[Candidate, ...]:
    fits = [f for rows in levels.values() for f in rows if f.sensible and math.isfinite(f.result.aicc)]
    if not fits:  # every model has an empty state: show the smallest, whose remarks say so
        fits = levels[min(levels)][:1]
    fits.sort(key=lambda f: f.result.aicc)
    best = fits[0]
    fits = [f for f in fits if f is best or not incomparable(best.result, f.result)]
    rows = _without_twins([_candidate(fitter, f) for f in fits])
    lowest = min(c.aicc for c in rows)
    total = sum(math.exp(-0.5 * min(c.aicc - lowest, 700.0)) for c in rows)
    weighted = [
        replace(c, delta=c.aicc - lowest, weight=math.exp(-0.5 * min(c.aicc - lowest, 700.0)) / total) for c in rows
    ]
    supported = min((c.aicc for c in weighted if c.size == size), default=lowest)
    return tuple(replace(c, verdict=_verdict(c, size, supported)) for c in weighted)


def _candidate(fitter: Fitter, fitted: Fitted) -> Candidate:
    result = replace(fitted.result, model=named(fitted.result.model, fitted.ids, fitter.grammar))
    fitted = replace(fitted, result=result)
    states = state_fits(fitted, fitter.grammar)
    return Candidate(
        fitted.keys, states, result, result.aicc, result.bic, 0.0, 0.0, structure_of(fitter.spectrum, result),
        remarks(fitted, fitter.grammar, states), fitted.hits, len(fitted.ends),
    )


def _without_twins(rows: list[Candidate]) -> list[Candidate]:
    """The same curve under several names is one candidate."""
    kept: list[Candidate] = []
    for row in rows:
        twin = next((i for i, other in enumerate(kept) if _twins(row, other)), None)
        if twin is None:
            kept.append(row)
        elif len(row.remarks) < len(kept[twin].remarks):
            kept[twin] = replace(row, also=(*kept[twin].also, kept[twin].label))
        else:
            kept[twin] = replace(kept[twin], also=(*kept[twin].also, row.label))
    return kept


def _twins(one: Candidate, other: Candidate) -> bool:
    if one.size != other.size or abs(one.aicc - other.aicc) > _TWIN:
        return False
    pairs = zip(
        sorted(s.position for s in one.states), sorted(s.position for s in other.states), strict=True
    )
    return all(abs(a - b) <= _TWIN for a, b in pairs)


def _verdict(candidate: Candidate, size: int, supported: float) -> str:
    if candidate.size < size:
        return "too few states"
    if candidate.size > size:
        return "more states: not determined"
    above = candidate.aicc - supported
    if above <= 0:
        return "supported"
    return "as good" if above <= EQUAL else "possible" if above <= POSSIBLE else "worse"


@dataclass(frozen=True)
class Spread:
    """Range of a state's area and share over the candidates that contain it.

    Attributes
    ----------
    name : str
    low, high : float
        Smallest and largest area.
    share_low, share_high, share_mean : float
        Of the sum of all states, 0 to 1; the mean is weighted with the Akaike weights. A candidate without the state
        counts as 0.
    candidates : int
        How many contain it.
    """

    name: str
    low: float
    high: float
    share_low: float
    share_high: float
    share_mean: float
    candidates: int


def spread(candidates: Candidates | Iterable[Candidate], within: float = POSSIBLE) -> tuple[Spread, ...]:
    """What the choice of the model does to the areas: ranges over all candidates with a small enough AICc.

    Parameters
    ----------
    candidates : Candidates or iterable of Candidate
    within : float
        Largest AICc above the best one's.

    Returns
    -------
    tuple of Spread
        Largest mean share first. Plain peaks are matched by their place in the order of energies.
    """
    rows = list(candidates.found if isinstance(candidates, Candidates) else candidates)
    lowest = min((c.aicc for c in rows), default=0.0)
    rows = [c for c in rows if c.aicc - lowest < within]
    weights = [math.exp(-0.5 * (c.aicc - lowest)) for c in rows]
    total = sum(weights)
    tables = [{s.name: s.area for s in c.states} for c in rows]
    out = []
    for name in dict.fromkeys(name for table in tables for name in table):
        areas = [table[name] for table in tables if name in table]
        shares = [table.get(name, 0.0) / max(sum(table.values()), 1e-300) for table in tables]
        mean = sum(w * s for w, s in zip(weights, shares, strict=True)) / total
        out.append(Spread(name, min(areas), max(areas), min(shares), max(shares), mean, len(areas)))
    return tuple(sorted(out, key=lambda s: -s.share_mean))
