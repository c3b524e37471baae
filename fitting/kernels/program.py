"""From an evaluator to the arrays that the compiled functions read."""

from __future__ import annotations

import numpy as np

from fitting.backgrounds.cumulative import interval_weights
from fitting.dataset import FloatArray
from fitting.evaluate import Evaluator
from fitting.kernels import backgrounds, links, shapes
from fitting.kernels.evaluate import Program
from fitting.model import Curve

_NO_LOGARITHM = -700.0  # stands for the logarithm of energies that are not above 0


def program_of(evaluator: Evaluator) -> Program | None:
    """The compiled form of a model; None where a shape or background has none."""
    plan = evaluator.plan
    if any(name not in shapes.CODES for name in plan.shapes):
        return None
    if plan.static is None and plan.background not in backgrounds.CODES:
        return None
    if any(curve is not None and not _area(curve) > 0.0 for curve in plan.curves):
        return None  # the NumPy path says what is wrong with it
    turned = evaluator.direction < 0
    grid = -plan.grid[::-1] if turned else plan.grid
    inside = plan.inside.indices(grid.size)[:2]
    if turned:
        inside = (grid.size - inside[1], grid.size - inside[0])
    code = 0 if plan.static is not None else backgrounds.CODES[plan.background]
    if code == backgrounds.CODES["shirley_active"]:
        band_first, band = interval_weights(grid)
    else:
        band_first, band = np.zeros(0, dtype=np.int64), np.zeros((0, 8))
    static = np.zeros(0) if plan.static is None else np.array(plan.static[::-1] if turned else plan.static)
    parameters = evaluator.parameters
    rows, codes = _links(evaluator)
    kernel = plan.kernel.turned() if plan.kernel is not None and turned else plan.kernel
    spread = np.array(plan.spread, dtype=bool) & (kernel is not None)
    curve_x, curve_y, curve_first = _curves(plan.curves)
    powers = code == backgrounds.CODES["power_law"] or "edge_step" in plan.shapes
    return Program(
        x=np.array(grid),
        inside=np.array(inside, dtype=np.int64),
        numbers=np.array([-plan.centre if turned else plan.centre, evaluator.direction], dtype=float),
        static=static,
        shape_codes=np.array([shapes.CODES[name] for name in plan.shapes], dtype=np.int64),
        shape_first=np.array(plan.first, dtype=np.int64),
        background=np.array([code, plan.first[-1]], dtype=np.int64),
        band=np.array(band),
        band_first=np.array(band_first, dtype=np.int64),
        constants=parameters.constants.copy(),
        direct=parameters.direct.copy(),
        direct_free=parameters.direct_free.copy(),
        links=np.array(rows, dtype=np.int64).reshape(-1, 5),
        link_codes=np.array([code for code, _ in codes], dtype=np.int64),
        link_arguments=np.array([argument for _, argument in codes], dtype=float),
        on_peaks=np.append(parameters.reach(slice(plan.first[-1])), True),
        own=_own(evaluator, plan.first[-1]),
        logarithm=np.log(np.maximum(grid, np.exp(_NO_LOGARITHM))) if powers else np.zeros(0),
        response=np.zeros(0) if kernel is None else kernel.weights[::-1].copy(),
        spread=spread,
        on_spread=np.append(
            parameters.reach(*(slice(*plan.first[c : c + 2]) for c in np.flatnonzero(spread))), bool(np.any(spread))
        ),
        curve_x=curve_x,
        curve_y=curve_y,
        curve_first=curve_first,
    )


def turned(evaluator: Evaluator, values: FloatArray) -> FloatArray:
    """Numbers along the data's axis (last dimension) in the order of the program, contiguous and writable."""
    return np.array(values[..., ::-1] if evaluator.direction < 0 else values, dtype=float, order="C")


def _curves(curves: tuple[Curve | None, ...]) -> tuple[FloatArray, FloatArray, np.ndarray]:
    """Measured lines behind one another, of unit area, and where each begins."""
    x, y, first = [np.zeros(0)], [np.zeros(0)], [0]
    for curve in curves:
        if curve is not None:
            x.append(np.array(curve.x))
            y.append(np.array(curve.y) / _area(curve))
        first.append(sum(part.size for part in x))
    return np.concatenate(x), np.concatenate(y), np.array(first, dtype=np.int64)


def _area(curve: Curve) -> float:
    return float(np.trapezoid(curve.y, curve.x))


def _own(evaluator: Evaluator, end: int) -> np.ndarray:
    """Places among the free parameters of those of components that no link has to do with; -1 for the others."""
    parameters = evaluator.parameters
    named = {name for link in parameters.links.values() for name in link.names}
    own = np.full(len(parameters.names), -1, dtype=np.int64)
    for place, free in zip(parameters.direct, parameters.direct_free, strict=True):
        if place < end and parameters.names[place] not in named:
            own[place] = free
    return own


def _links(evaluator: Evaluator) -> tuple[list[tuple[int, int, int, int, int]], list[tuple[int, float]]]:
    parameters = evaluator.parameters
    rows: list[tuple[int, int, int, int, int]] = []
    codes: list[tuple[int, float]] = []
    for name in parameters.order:
        link = parameters.links[name]
        first = len(codes)
        codes += links.assemble(link, parameters.index)
        at = parameters.free_index.get(name, -1)
        rows.append((parameters.index[name], first, len(codes), at, int(link.relative)))
    return rows, codes
