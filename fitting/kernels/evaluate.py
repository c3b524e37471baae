"""The compiled evaluator: free parameters -> links -> shapes -> background -> envelope and its derivatives.

A model is data here (`Program`): codes of shapes and operations, indices, constants. One piece of machine code serves
all models, so that a new model costs no compilation.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from fitting.kernels import backgrounds as back
from fitting.kernels import links, losses, steps
from fitting.kernels.elementary import OPTIONS, exp
from fitting.kernels.shapes import EDGE, MEASURED, component

MOST_SHAPE_PARAMETERS = 8
BACKGROUND_ROWS = 8


class Program(NamedTuple):
    """A model on an axis, for the compiled functions. Axes run so that losses lie at high values.

    Attributes
    ----------
    x : array, shape (n,)
        The grid: the data's points, and those outside that an integrating background or a response needs.
    inside : array of int, shape (2,)
        First and end of the data's points on the grid.
    numbers : array, shape (2,)
        Centre of the window; sign of a position (-1 where the axis was turned round).
    static : array, shape (points inside,) or (0,)
    shape_codes, shape_first : arrays of int, shapes (m,), (m + 1,)
    background : array of int, shape (2,)
        Code, and place of the first parameter.
    band, band_first : arrays, shapes (n - 1, 8), (n - 1,)
        Of the running integral; empty where none is needed.
    constants : array, shape (k,)
        All parameters as the model has them.
    direct, direct_free : arrays of int
        Places of the free parameters without a link, among all and among the free ones.
    links : array of int, shape (l, 5)
        In order of evaluation: parameter, first and end of its instructions, place among the free parameters (-1 for
        none), whether the tolerance is relative.
    link_codes, link_arguments : arrays
    on_peaks : array of bool, shape (f + 1,)
        Which free parameters move peaks; True for the sum of the peaks, the row behind theirs.
    own : array of int, shape (k,)
        For a component's parameter that is free, has no link and is in no link: its place among the free ones, so that
        its derivative is written where it belongs. -1 for all others.
    logarithm : array, shape (n,) or (0,)
        Of the grid, where a power of it is needed; far below zero where it is not above 0.
    response : array, shape (r,) or (0,)
        Weights of the response in reverse: the convolved value at the first data point is their sum with the first r
        points of the grid.
    spread : array of bool, shape (m,)
        Components that are convolved.
    on_spread : array of bool, shape (f + 1,)
        Which free parameters move those; True for the sum of the peaks if there are any.
    curve_x, curve_y, curve_first : arrays, shapes (c,), (c,), (m + 1,)
        Measured lines of the components, one behind the other, each of unit area.
    """

    x: np.ndarray
    inside: np.ndarray
    numbers: np.ndarray
    static: np.ndarray
    shape_codes: np.ndarray
    shape_first: np.ndarray
    background: np.ndarray
    band: np.ndarray
    band_first: np.ndarray
    constants: np.ndarray
    direct: np.ndarray
    direct_free: np.ndarray
    links: np.ndarray
    link_codes: np.ndarray
    link_arguments: np.ndarray
    on_peaks: np.ndarray
    own: np.ndarray
    logarithm: np.ndarray
    response: np.ndarray
    spread: np.ndarray
    on_spread: np.ndarray
    curve_x: np.ndarray
    curve_y: np.ndarray
    curve_first: np.ndarray


class Work(NamedTuple):
    """Memory of one fit: reused by every evaluation."""

    values: np.ndarray  # (k,)
    chain: np.ndarray  # (k, f)
    stack: np.ndarray  # (64,)
    slopes: np.ndarray  # (64, f)
    part: np.ndarray  # (n,)
    terms: np.ndarray  # (8, n)
    rows: np.ndarray  # (f + 1 + 8, n): derivatives by the free parameters, envelope, and room for a component's
    last: np.ndarray  # (f,): the free parameters that the rows belong to
    operator: np.ndarray  # (n, n), Tougaard backgrounds only
    form: np.ndarray  # (6,): what the operator was made for
    trapezoid: np.ndarray  # (n,)


@njit(**OPTIONS)
def workspace(program: Program) -> Work:
    """Memory for a program."""
    n, k, f = program.x.size, program.constants.size, program.on_peaks.size - 1
    square = n if program.background[0] in back.SCATTERING else 0
    depth = links.DEPTH if program.links.shape[0] else 0
    chain = np.zeros((k, f))
    for i in range(program.direct.size):
        chain[program.direct[i], program.direct_free[i]] = 1.0
    return Work(
        program.constants.copy(),
        chain,
        np.empty(depth),
        np.empty((depth, f)),
        np.empty(n),
        np.empty((BACKGROUND_ROWS, n)),
        np.empty((f + 1 + MOST_SHAPE_PARAMETERS, n)),
        np.full(f, np.nan),
        np.zeros((square, square)),
        np.full(6, np.nan),
        back.trapezoid(program.x) if square else np.empty(0),
    )


@njit(**OPTIONS)
def expand(program: Program, work: Work, free: np.ndarray) -> None:
    """All parameters and their derivatives by the free ones, into `work.values` and `work.chain`."""
    for i in range(program.direct.size):
        work.values[program.direct[i]] = free[program.direct_free[i]]
    for i in range(program.links.shape[0]):
        row, first, end = program.links[i, 0], program.links[i, 1], program.links[i, 2]
        at, relative = program.links[i, 3], program.links[i, 4]
        links.run(
            program.link_codes, program.link_arguments, first, end, work.values, work.chain, work.stack, work.slopes
        )
        value = work.stack[0]
        work.chain[row, :] = work.slopes[0]
        if at >= 0:
            if relative:
                for j in range(free.size):
                    work.chain[row, j] *= 1.0 + free[at]
                work.chain[row, at] += value
                value *= 1.0 + free[at]
            else:
                value += free[at]
                work.chain[row, at] += 1.0
        work.values[row] = value


@njit(**OPTIONS)
def evaluate(program: Program, work: Work, free: np.ndarray) -> None:
    """Derivatives by the free parameters and, behind them, the envelope, into `work.rows`."""
    expand(program, work, free)
    work.last[:] = free
    f, rows = free.size, work.rows
    rows[f, :] = 0.0
    for j in range(f):
        if not np.any(program.own == j):
            rows[j, :] = 0.0
    if program.response.size:
        _components(program, work, f, True)
        count = program.inside[1] - program.inside[0]
        for j in range(f + 1):
            if program.on_spread[j]:
                losses.spread(program.response, rows[j], work.part, count)
                rows[j, program.inside[0] : program.inside[1]] = work.part[:count]
    _components(program, work, f, False)
    _background(program, work, f)
    if program.static.size:
        low = program.inside[0]
        for i in range(program.static.size):
            rows[f, low + i] += program.static[i]


@njit(**OPTIONS)
def _components(program: Program, work: Work, f: int, spread: bool) -> None:
    """Add the components that are convolved, or the others, and their derivatives."""
    n, sign, rows = program.x.size, program.numbers[1], work.rows
    place = np.empty(MOST_SHAPE_PARAMETERS, dtype=np.int64)
    for c in range(program.shape_codes.size):
        if program.spread[c] != spread:
            continue
        first, end = program.shape_first[c], program.shape_first[c + 1]
        values = work.values[first:end].copy()
        values[1] *= sign
        bent = False
        for q in range(end - first):
            own = program.own[first + q]
            place[q] = own if own >= 0 else f + 1 + q
            bent |= q > 2 and np.any(work.chain[first + q] != 0.0)
        _component(program, c, values, work.part, rows, place, bent)
        total = rows[f]
        for i in range(n):
            total[i] += work.part[i]
        for q in range(end - first):
            turn = sign if q == 1 else 1.0
            if place[q] > f:
                _add(work, first + q, rows[place[q]], turn, f)
            elif turn < 0.0:
                row = rows[place[q]]
                for i in range(n):
                    row[i] = -row[i]


@njit(**OPTIONS)
def _component(
    program: Program, c: int, values: np.ndarray, out: np.ndarray, rows: np.ndarray, place: np.ndarray, bent: bool
) -> None:
    """Values of a component and its derivatives."""
    code = program.shape_codes[c]
    if code == EDGE:
        losses.edge_step(program.x, program.logarithm, values, out, rows, place)
    elif code == MEASURED:
        first, end = program.curve_first[c], program.curve_first[c + 1]
        losses.measured(program.x, values, program.curve_x[first:end], program.curve_y[first:end], out, rows, place)
    else:
        component(code, program.x, values, out, rows, place, bent)


@njit(**OPTIONS)
def _add(work: Work, parameter: int, gradient: np.ndarray, sign: float, f: int) -> None:
    """Add what one parameter does to the derivatives by the free ones."""
    for j in range(f):
        slope = work.chain[parameter, j]
        if slope != 0.0:
            slope *= sign
            row = work.rows[j]
            for i in range(row.size):
                row[i] += slope * gradient[i]


@njit(**OPTIONS)
def _background(program: Program, work: Work, f: int) -> None:
    code, first = program.background[0], program.background[1]
    if code == 0:
        return
    if code == 9:
        _power_law(program, work, first, f)
        return
    n, centre, terms, total = program.x.size, program.numbers[0], work.terms, work.rows[f]
    level = work.values[first]
    tilt = work.values[first + 1] if code > 1 else 0.0
    count = 1 if code == 1 else 2
    if code == 3:
        step, loss_slope = work.values[first + 2], work.values[first + 3]
        back.cumulative(program.band, program.band_first, total, terms[2])
        back.cumulative(program.band, program.band_first, terms[2], terms[3])
        for i in range(n):
            total[i] += step * terms[2, i] + loss_slope * terms[3, i]
        back.shirley(program.band, program.band_first, step, loss_slope, work.rows[:f], program.on_peaks)
        count = 4
    elif code in back.SCATTERING:
        count = _tougaard(program, work, first, code == 5)
    elif code == 6:
        for i in range(n):
            d = program.x[i] - centre
            terms[2, i], terms[3, i] = d * d, d * d * d
            total[i] += work.values[first + 2] * terms[2, i] + work.values[first + 3] * terms[3, i]
        count = 4
    elif code > 6:
        sign = program.numbers[1]
        steps.step(
            program.x, code == 7, work.values[first + 2], sign * work.values[first + 3], work.values[first + 4],
            work.part, terms[2], terms[3], terms[4],
        )
        for i in range(n):
            terms[3, i] *= sign
            total[i] += work.part[i]
        count = 5
    for i in range(n):
        d = program.x[i] - centre
        terms[0, i], terms[1, i] = 1.0, d
        total[i] += level + tilt * d
    for q in range(count):
        _add(work, first + q, terms[q], 1.0, f)


@njit(**OPTIONS)
def _power_law(program: Program, work: Work, first: int, f: int) -> None:
    amplitude, exponent, middle = work.values[first], work.values[first + 1], np.log(program.numbers[0])
    total, form, by_exponent = work.rows[f], work.terms[0], work.terms[1]
    for i in range(program.x.size):
        logarithm = program.logarithm[i] - middle
        # Outside the data the grid of a response may reach below 0; nobody looks there.
        form[i] = exp(min(-exponent * logarithm, 700.0))
        by_exponent[i] = -amplitude * logarithm * form[i]
        total[i] += amplitude * form[i]
    _add(work, first, form, 1.0, f)
    _add(work, first + 1, by_exponent, 1.0, f)


@njit(**OPTIONS)
def _tougaard(program: Program, work: Work, first: int, plasmon: bool) -> int:
    """Scatter the peaks in all orders; the derivatives by the operator's parameters go to `work.terms` from 2 on."""
    x, operator, terms = program.x, work.operator, work.terms
    b, c, d = work.values[first + 2], work.values[first + 3], work.values[first + 4]
    share, energy, width, norm = 0.0, 1.0, 1.0, 0.0
    if plasmon:
        share, energy, width = work.values[first + 5], work.values[first + 6], work.values[first + 7]
        norm = back.plasmon_norm(energy, width)
    f = work.last.size
    if c == 0.0 or (c > 0.0 and not d > 0.0):
        work.rows[f, :] = np.nan
        return 2
    form = np.array([b, c, d, share, energy, width])
    if not np.all(form == work.form):
        operator[:] = 0.0
        back.add_losses(x, work.trapezoid, b, c, d, operator)
        if plasmon:
            back.add_losses(x, work.trapezoid, share * norm, energy * energy, width * width, operator)
        work.form[:] = form
    back.scatter(operator, work.rows[: f + 1], program.on_peaks)
    total = work.rows[f]
    back.loss_slopes(x, work.trapezoid, c, d, total, terms[2:5])
    count = 5
    for i in range(x.size):
        terms[3, i] *= b
        terms[4, i] *= b
    if plasmon:
        back.loss_slopes(x, work.trapezoid, energy * energy, width * width, total, terms[5:8])
        for i in range(x.size):
            line, by_c, by_d = terms[5, i], terms[6, i], terms[7, i]
            terms[5, i] = norm * line
            terms[6, i] = share * norm * (line / energy + 2.0 * energy * by_c)
            terms[7, i] = share * norm * (line / width + 2.0 * width * by_d)
        count = 8
    asks = np.ones(count - 2, dtype=np.bool_)
    back.scatter(operator, terms[2:count], asks)
    return count
