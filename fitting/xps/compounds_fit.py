"""All regions of a sample fitted at once as a sum of library compounds, each with one amount.

A compound's lines in all regions share that amount: area = amount x atoms x s L T lambda x time; their distances follow
the library within its spread. What the compounds do not explain stands beside them, as components of the analyst or as
peaks that the residuals ask for. The covariance of the joint fit gives amounts with errors and correlations; an amount
that the data do not show is given as an upper limit, by the profile of the joint likelihood.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fitting.dataset import FloatArray
from fitting.joint import JointResult
from fitting.solver import Cancel, Progress
from fitting.xps.compounds_problem import (
    MOST_REST,
    Problem,
    fitted,
    fitted_alone,
    placed,
    updated,
    with_rest,
    without_compounds,
)
from fitting.xps.compounds_rest import Amount, rest_amounts
from fitting.xps.placement import Member, Region
from libraries.compounds import compound as find
from libraries.errors import NotDetermined

# A line counts as seen from 1.645 standard errors on (L. A. Currie, Anal. Chem. 40 (1968) 586), and the one-sided 95 %
# limit is where the deviance rises by 1.645 squared.
_CRITICAL = 1.644854
_NORMAL_95 = 1.959964
_ALIKE = 0.95  # correlation from which on two amounts are said to be hardly told apart; chosen


@dataclass(frozen=True)
class CompoundRow:
    """A compound's amount.

    Attributes
    ----------
    name, formula : str
    mol_fraction, error : float
        Share of all formula units of the fitted compounds, 0 to 1, with its standard error (NaN: not determined).
    low, high : float
        95 % interval; where the compound is not seen, 0 and the upper limit.
    at_percent, at_percent_err : float
        Share of its atoms (hydrogen has no line) in all that was measured.
    determined : bool
        Whether the data show it.
    lines : tuple of str
        Lines that tell its amount, with the region: "F 1s in F 1s".
    note : str
        Why it is not determined, or "".
    """

    name: str
    formula: str
    mol_fraction: float
    error: float
    low: float
    high: float
    at_percent: float
    at_percent_err: float
    determined: bool
    lines: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True)
class InventoryRow:
    """Atoms of an element, in at.% of all that was measured: explained by the compounds, and the rest."""

    element: str
    explained: float
    explained_err: float
    rest: float
    rest_err: float


@dataclass(frozen=True, eq=False)
class CompoundsResult:
    """Outcome of a joint compound fit.

    Attributes
    ----------
    rows : tuple of CompoundRow
    correlation : array, shape (n, n)
        Of the amounts; NaN where not determined.
    inventory : tuple of InventoryRow
    joint : JointResult
    regions : tuple of Region
        As fitted.
    ties : dict
        Between them.
    material : str
    notes : tuple of str
        What the reader of the numbers must know.
    """

    rows: tuple[CompoundRow, ...]
    correlation: FloatArray
    inventory: tuple[InventoryRow, ...]
    joint: JointResult
    regions: tuple[Region, ...]
    ties: Mapping[str, str]
    material: str
    notes: tuple[str, ...]

    def row(self, name: str) -> CompoundRow:
        """The row of a compound; raises NotDetermined."""
        for row in self.rows:
            if row.name == find(name).name:
                return row
        raise NotDetermined(f"{name} was not fitted")


def fit_compounds(
    regions: Sequence[Region],
    compounds: Sequence[str],
    material: str = "",
    *,
    transmission_exponent: float | None = None,
    rest: bool = True,
    limits: bool = True,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> CompoundsResult:
    """Fit all regions of a sample as a sum of compounds.

    Parameters
    ----------
    regions : sequence of Region
        Spectra with models that hold the background and what is no compound; components of their models that belong to
        one of `compounds` are taken out first.
    compounds : sequence of str
        Names or formulas of the library.
    material : str
        In which lambda is taken; "" for the average matrix.
    transmission_exponent : float or None
        See `fitting.xps.yields.line_yield`.
    rest : bool
        Whether peaks are added where the residuals show that something is missing.
    limits : bool
        Whether upper limits are worked out for compounds that the data do not show.
    progress, cancel : callables, optional

    Returns
    -------
    CompoundsResult

    Raises
    ------
    UnknownName
        If the library has no such compound.
    NotDetermined
        If a compound has no formula, or no region holds any of its lines.
    Cancelled
        If the user stopped it.
    """
    names = list(dict.fromkeys(find(name).name for name in compounds))
    if not names:
        raise NotDetermined("No compound was chosen", todo="Name at least one")
    bare = [replace(region, model=without_compounds(region.model, names)) for region in regions]
    problem = placed(bare, names, material, transmission_exponent)
    problem = replace(problem, regions=tuple(fitted_alone(region, cancel) for region in problem.regions))
    joint = fitted(problem, progress, cancel)
    problem = replace(problem, regions=updated(problem.regions, joint))
    for _ in range(MOST_REST * len(regions) if rest else 0):
        more = with_rest(problem.regions)
        if more is None:
            break
        problem = replace(problem, regions=more)
        joint = fitted(problem, progress, cancel)
        problem = replace(problem, regions=updated(problem.regions, joint))
    return _outcome(problem, joint, limits, cancel)


# -- the outcome ------------------------------------------------------------------------------------------------------


def _outcome(problem: Problem, joint: JointResult, limits: bool, cancel: Cancel | None) -> CompoundsResult:
    names = [str(member.place) for member in problem.anchors]
    per = np.array([member.per_formula for member in problem.anchors])
    amounts = np.array([joint.value(name) for name in names]) / per
    rest = rest_amounts(problem.regions, _owned(problem), problem.material, problem.exponent)
    every = [*names, *(name for amount in rest for name, _ in amount.parts)]
    scale = _misfit(joint)
    covariance = scale * joint.covariance_of(every)
    # amounts of compounds and of the rest, from the areas
    chain = np.zeros((len(names) + len(rest), len(every)))
    chain[: len(names), : len(names)] = np.diag(1.0 / per)
    column = len(names)
    for i, amount in enumerate(rest):
        for _, weight in amount.parts:
            chain[len(names) + i, column] = weight
            column += 1
    lost = ~np.isfinite(np.diag(covariance))
    spread = chain @ np.where(np.isfinite(covariance), covariance, 0.0) @ chain.T
    unknown = np.any(chain[:, lost] != 0, axis=1)
    values = np.concatenate([amounts, [amount.value for amount in rest]])
    rows = _rows(problem, joint, values, spread, unknown, limits, cancel)
    return CompoundsResult(
        rows, _correlation(spread[: len(names), : len(names)], unknown[: len(names)]),
        _inventory(problem, rest, values, spread), joint, problem.regions, problem.ties,
        problem.material or "average matrix", _notes(problem, joint, rest, spread, unknown, scale),
    )


def _owned(problem: Problem) -> dict[str, set[str]]:
    """Components of each region that belong to a compound, minor lines too."""
    owned: dict[str, set[str]] = {region.key: set() for region in problem.regions}
    for placement in problem.placements:
        for member in placement.members:
            owned[member.place.key].add(member.place.owner)
    for region in problem.regions:
        owned[region.key] |= {c.id for c in region.model.components if c.doublet in owned[region.key]}
    return owned


def _misfit(joint: JointResult) -> float:
    """Reduced chi2 of all regions together, at least 1: by it the covariance is multiplied (as `areas.line_areas`)."""
    sizes = [result.n_data for result in joint.results.values()]
    return max(1.0, float(np.average([r.reduced_chi2 for r in joint.results.values()], weights=sizes)))


def _correlation(covariance: FloatArray, unknown: np.ndarray) -> FloatArray:
    sigma = np.sqrt(np.clip(np.diag(covariance), 0.0, None))
    norm = np.outer(sigma, sigma)
    matrix = np.divide(covariance, norm, out=np.full_like(covariance, np.nan), where=norm > 0)
    matrix[unknown, :] = np.nan
    matrix[:, unknown] = np.nan
    return matrix


def _heavy_atoms(name: str) -> dict[str, float]:
    """Atoms of a formula unit that electrons come from: all but hydrogen."""
    return {symbol: count for symbol, count in find(name).elements if symbol != "H"}


def _rows(
    problem: Problem, joint: JointResult, values: FloatArray, spread: FloatArray, unknown: np.ndarray, limits: bool,
    cancel: Cancel | None,
) -> tuple[CompoundRow, ...]:
    n = len(problem.names)
    total = float(np.sum(values[:n]))
    if not total > 0:
        raise NotDetermined("None of the compounds is seen in these regions", todo="Choose others")
    share = values[:n] / total
    slope = (np.eye(n) - share[:, None]) / total
    mol = np.sqrt(np.clip(np.diag(slope @ spread[:n, :n] @ slope.T), 0.0, None))
    size = np.concatenate([[sum(_heavy_atoms(name).values()) for name in problem.names], np.ones(len(values) - n)])
    atoms = float(np.sum(size * values))
    part = size * values / atoms
    atom_slope = (np.diag(size) - np.outer(part, size)) / atoms
    atom = np.sqrt(np.clip(np.diag(atom_slope @ spread @ atom_slope.T), 0.0, None))
    rows = []
    for i, name in enumerate(problem.names):
        error = math.sqrt(max(float(spread[i, i]), 0.0))
        seen = not unknown[i] and values[i] > _CRITICAL * error
        low, high, note = share[i] - _NORMAL_95 * mol[i], share[i] + _NORMAL_95 * mol[i], ""
        if not seen:
            limit = _limit(problem, joint, i, values[i], error, cancel) if limits else math.nan
            low, high = 0.0, limit / (total - values[i] + limit) if math.isfinite(limit) else 1.0
            note = "not seen; upper limit" if math.isfinite(limit) else "the data do not decide"
        shown = not unknown[i]
        rows.append(CompoundRow(
            name, find(name).formula, float(share[i]), float(mol[i]) if shown else math.nan, max(0.0, float(low)),
            min(1.0, float(high)), 100 * float(part[i]), 100 * float(atom[i]) if shown else math.nan, bool(seen),
            tuple(f"{m.site.line.name} in {_title(problem, m)}" for m in problem.placements[i].members), note,
        ))
    return tuple(rows)


def _title(problem: Problem, member: Member) -> str:
    region = next(r for r in problem.regions if r.key == member.place.key)
    return region.model.name or region.spectrum.name


def _limit(
    problem: Problem, joint: JointResult, i: int, value: float, error: float, cancel: Cancel | None
) -> float:
    """The amount above which the joint deviance has risen by what a one-sided 95 % limit allows; NaN for none."""
    anchor = problem.anchors[i]
    allowed = _CRITICAL**2 * _misfit(joint)

    def rise(amount: float) -> float:
        regions = []
        for region in problem.regions:
            if region.key == anchor.place.key:
                param = region.model.params[anchor.place.name]
                held = replace(param.at(amount * anchor.per_formula), vary=False)
                region = replace(region, model=region.model.with_params({anchor.place.name: held}))
            regions.append(region)
        return fitted(replace(problem, regions=tuple(regions)), None, cancel).deviance - joint.deviance

    others = [joint.value(str(m.place)) / m.per_formula for j, m in enumerate(problem.anchors) if j != i]
    inside = max(value, 0.0)
    outside = inside + (2.0 * error if error > 0 else 0.01 * max([*others, value, 1e-12]))
    for _ in range(12):
        above = rise(outside)
        if above > allowed:
            break
        inside, outside = outside, inside + 2.5 * (outside - inside)
    else:
        return math.nan
    for _ in range(7):
        middle = 0.5 * (inside + outside)
        inside, outside = (inside, middle) if rise(middle) > allowed else (middle, outside)
    return outside


def _inventory(
    problem: Problem, rest: Sequence[Amount], values: FloatArray, spread: FloatArray
) -> tuple[InventoryRow, ...]:
    n = len(problem.names)
    atoms = [_heavy_atoms(name) for name in problem.names]
    elements = list(dict.fromkeys([*(symbol for item in atoms for symbol in item), *(a.element for a in rest)]))
    size = np.concatenate([[sum(item.values()) for item in atoms], np.ones(len(rest))])
    whole = float(np.sum(size * values))
    rows = []
    for element in elements:
        kinds = np.zeros((2, len(values)))
        kinds[0, :n] = [item.get(element, 0.0) for item in atoms]
        kinds[1, n:] = [a.element == element for a in rest]
        part = kinds @ values / whole
        slope = (kinds - part[:, None] * size) / whole
        error = np.sqrt(np.clip(np.diag(slope @ spread @ slope.T), 0.0, None))
        rows.append(InventoryRow(element, *(100 * float(v) for v in (part[0], error[0], part[1], error[1]))))
    return tuple(sorted(rows, key=lambda row: -(row.explained + row.rest)))


def _notes(
    problem: Problem, joint: JointResult, rest: Sequence[Amount], spread: FloatArray, unknown: np.ndarray, scale: float
) -> tuple[str, ...]:
    found = [note for placement in problem.placements for note in placement.notes]
    if not joint.success:
        found.append(joint.message)
    if scale > 1.2:
        found.append(f"The model misses structure in the data (reduced chi² {scale:.2f}); errors are enlarged by its "
                     "root.")
    n = len(problem.names)
    matrix = _correlation(spread[:n, :n], unknown[:n])
    for i in range(n):
        for j in range(i):
            if abs(matrix[i, j]) > _ALIKE:
                found.append(f"{problem.names[j]} and {problem.names[i]} are hardly told apart (correlation "
                             f"{matrix[i, j]:+.2f}).")
    for placement in problem.placements:
        for member in placement.members:
            if f"{member.place.owner}.position" in joint.results[member.place.key].at_bound:
                found.append(f"{member.site.compound}: its {member.site.line.name} ended at the end of what is cited; "
                             "something that was not chosen may lie beneath it.")
    loose = [n for n, placement in zip(problem.names, problem.placements, strict=True) if len(placement.members) == 1]
    found.extend(f"{name} is told by one line alone: nothing ties its amount." for name in loose)
    found.extend(note for amount in rest for note in amount.notes)
    found.append("Errors hold counting statistics and misfit; s, T and λ may be off by 10 to 20 % between lines, which "
                 "they do not hold.")
    return tuple(dict.fromkeys(found))
