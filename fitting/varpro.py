"""Variable projection: areas and background levels solved inside a fit by chi2, not searched.

Where residuals are straight lines in some parameters, the best values of those follow from the others by linear least
squares. Only the others are left to the minimiser, so that a start far off in the areas does no harm.

The derivatives of the projected residuals are Kaufman's: they leave out a term that is proportional to the residuals.
The gradient is exact all the same, the minimum therefore too, and near a good fit the steps are those of the full
expression of Golub and Pereyra, which would need derivatives of the pseudo-inverse at each step.

References
----------
G. H. Golub, V. Pereyra, SIAM J. Numer. Anal. 10, 413 (1973); L. Kaufman, BIT 15, 49 (1975); A. Ruhe, P. Å. Wedin, SIAM
Review 22, 318 (1980), for the convergence of both.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from fitting.active_set import nearest, triangle
from fitting.backgrounds import kind as background_kind
from fitting.dataset import FloatArray
from fitting.evaluate import Evaluator
from fitting.model import BACKGROUND, FitModel
from fitting.shapes import shape
from fitting.solution import Solution
from fitting.solver import FIT_RULES, Function, descend_on
from fitting.tape import Cancel, Progress, Rows, Tape
from libraries.errors import BadModel

# What an envelope is linear in, all at once: amounts of the peaks and the straight line below them. The step of an
# active background multiplies areas and stays with the others.
_AMOUNTS, _LINE = ("area", "height"), ("level", "slope")
_FIRM = 1e-10  # relative weight that keeps amounts where the data do not tell them apart


@dataclass(frozen=True, eq=False)
class Separation:
    """Which free parameters are solved linearly.

    Attributes
    ----------
    linear : array of bool, shape (n_free,)
        The envelope is a straight line in these together, whatever the others are.
    names : tuple of str
        Their full names.
    """

    linear: np.ndarray
    names: tuple[str, ...]


def separate(evaluator: Evaluator, model: FitModel) -> Separation | None:
    """The largest set, in the order of the model, of free parameters in which the envelope is linear.

    A link passes linearity on as its formula does: `p1.area * 0.5` keeps p1.area linear, `sqrt(p1.area)` or
    `p1.area * p2.area` do not, and a relative tolerance is a factor on its formula.

    Returns
    -------
    Separation or None
        None where nothing is linear.
    """
    parameters = evaluator.parameters
    entered = _entering(model)
    chosen: list[str] = []
    # Parameters without a link first: others may follow them.
    for name in sorted(parameters.free, key=lambda n: n in parameters.links):
        if name in entered and _straight(evaluator, entered, {*chosen, name}):
            chosen.append(name)
    if not chosen:
        return None
    linear = np.array([name in chosen for name in parameters.free])
    return Separation(linear, tuple(name for name in parameters.free if name in chosen))


def _entering(model: FitModel) -> set[str]:
    """Full names of all parameters in which the envelope is linear."""
    found = {
        f"{component.id}.{parameter.name}"
        for component in model.components
        for parameter in shape(component.shape).parameters
        if parameter.kind in _AMOUNTS
    }
    line = {
        f"{BACKGROUND}.{parameter.name}"
        for parameter in background_kind(model.background.kind).parameters
        if parameter.kind in _LINE
    }
    return found | line


def _straight(evaluator: Evaluator, entered: set[str], chosen: set[str]) -> bool:
    """Whether every parameter is of degree 1 or 0 in the chosen ones, and of degree 0 where it enters otherwise."""
    parameters = evaluator.parameters
    degree = {name: int(name in chosen and name not in parameters.links) for name in parameters.names}
    for name in parameters.order:
        link = parameters.links[name]
        degree[name] = _degree(link.tree, degree)
        if name in chosen:
            degree[name] = degree[name] + 1 if link.relative else max(degree[name], 1)
    return all(power <= int(name in entered) for name, power in degree.items())


def _degree(node: ast.expr, degree: Mapping[str, int]) -> int:
    """The degree of a formula in the chosen parameters: 0, 1, or 2 for everything that is no straight line."""
    match node:
        case ast.Attribute(value=ast.Name(id=component), attr=parameter):
            return degree[f"{component}.{parameter}"]
        case ast.UnaryOp(operand=operand):
            return _degree(operand, degree)
        case ast.BinOp(left=left, op=op, right=right):
            a, b = _degree(left, degree), _degree(right, degree)
            if isinstance(op, ast.Add | ast.Sub):
                return max(a, b)
            if isinstance(op, ast.Mult):
                return min(a + b, 2)
            return a if b == 0 and (isinstance(op, ast.Div) or a == 0) else 2
        case ast.Call(args=[argument]):
            return 2 * min(_degree(argument, degree), 1)
    return 0


class _Projected:
    """Residuals and derivatives in the parameters that are left, the linear ones at their best.

    Two evaluations a step: one for the linear problem, and where the step is taken one for the derivatives at its
    solution.
    """

    def __init__(
        self, function: Function, linear: np.ndarray, start: FloatArray, lower: FloatArray, upper: FloatArray
    ) -> None:
        self.function, self.linear, self.other = function, linear, ~linear
        self.lower, self.upper = lower[linear], upper[linear]
        self.x = start
        self.evaluations = 0

    def __call__(self, others: FloatArray) -> tuple[FloatArray, Rows]:
        place, residual, columns, held = self.solved(others)

        def derivatives() -> FloatArray:
            self.x = place
            inner = self._evaluated(place)[1][self.other]
            basis = np.linalg.qr(columns[:, ~held])[0] if not np.all(held) else columns[:, :0]
            return inner - (inner @ basis) @ basis.T

        return residual, derivatives

    def solved(self, others: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, np.ndarray]:
        """All parameters (k,), residuals (n,), derivatives (n, m) by the linear ones, and which of these are held."""
        place = self.x.copy()
        place[self.other] = others
        residual, rows = self._evaluated(place)
        columns = rows[self.linear].T
        move, held = self._moves(residual, columns, place[self.linear])
        place[self.linear] = np.clip(place[self.linear] + move, self.lower, self.upper)
        return place, residual + columns @ move, columns, held

    def _evaluated(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        self.evaluations += 1
        return self.function(x)

    def _moves(self, residual: FloatArray, columns: FloatArray, at: FloatArray) -> tuple[FloatArray, np.ndarray]:
        """How far the linear parameters must move, and which of them are held by a bound."""
        norms = np.sqrt(np.einsum("ij,ij->j", columns, columns))
        if not (np.all(np.isfinite(norms)) and np.all(np.isfinite(residual))):
            return np.zeros(at.size), np.ones(at.size, dtype=bool)
        unit = np.where(norms > 0, norms, 1.0)
        factor, projected = triangle(columns / unit, residual)
        firm = np.concatenate([factor, _FIRM * np.eye(at.size)])
        target = np.concatenate([projected, np.zeros(at.size)])
        move, held = nearest(firm, target, (self.lower - at) * unit, (self.upper - at) * unit)
        return move / unit, held | (norms == 0)


def minimise_separable(
    function: Function,
    separation: Separation,
    start: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    *,
    max_evaluations: int = 2000,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Solution:
    """As `solver.minimise_joint`, for residuals that are linear in some parameters: (y - m) / sigma with a fixed sigma.

    Parameters
    ----------
    function : callable
        x (k,) -> residuals (n,), derivatives (k, n).
    separation : Separation
    start, lower, upper : array, shape (k,)
        Over all parameters; the start values of the linear ones hardly matter and may lie outside their bounds.
    max_evaluations : int
        Steps that are tried; each takes one or two evaluations, which the solution counts.
    progress, cancel : callables, optional

    Returns
    -------
    Solution
        Over all parameters; its covariance comes from the full Jacobian.

    Raises
    ------
    BadModel
        If a start of the others lies outside its bounds, or the model has no value there.
    """
    other = ~separation.linear
    if np.any(other & ((start < lower) | (start > upper))):
        raise BadModel("A start value lies outside its bounds")
    begin = np.clip(start, lower, upper)
    projected = _Projected(function, separation.linear, begin, lower, upper)
    tape = Tape(projected, max_evaluations, progress, cancel)
    ending = descend_on(tape, begin[other], lower[other], upper[other], FIT_RULES)
    if not np.isfinite(ending.cost):
        at_bound = (begin <= lower) | (begin >= upper)
        return Solution(begin, ending.cost, ending.status, projected.evaluations, at_bound)
    # Once more at the best place: for its amounts, and for the Jacobian in all parameters.
    place = projected.solved(ending.x)[0]
    residual, rows = function(place)
    return replace(
        ending,
        x=place,
        cost=float(residual @ residual),
        evaluations=projected.evaluations + 1,
        at_bound=(place <= lower) | (place >= upper),
        n_data=residual.size,
        factor=triangle(rows.T, residual)[0],
    )
