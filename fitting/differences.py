"""Derivatives by central differences, for residuals that come without a Jacobian."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fitting.dataset import FloatArray

# The step that makes the cutting error (h^2) of a central difference as small as its rounding error (eps / h):
# W. H. Press et al., Numerical Recipes, 3rd ed. (2007), section 5.7.
_STEP = float(np.finfo(float).eps) ** (1 / 3)


def central(
    residual: Callable[[FloatArray], FloatArray],
    x: FloatArray,
    values: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    typical: FloatArray,
) -> FloatArray:
    """The Jacobian by differences of second order, inside the bounds.

    Parameters
    ----------
    residual : callable
        x (k,) -> residuals (n,).
    x : array, shape (k,)
        Inside its bounds.
    values : array, shape (n,)
        The residuals at x.
    lower, upper : array, shape (k,)
    typical : array, shape (k,)
        Sizes of the parameters, for those that are zero at x; where these too are zero, 1 is taken.

    Returns
    -------
    array, shape (n, k)
        A column of zeros where the bounds leave no room.

    Notes
    -----
    Beside a bound the one-sided formula (-3 f(x) + 4 f(x + h) - f(x + 2h)) / 2h of the same order is used.
    """
    jacobian = np.zeros((values.size, x.size))
    size = np.where(x != 0, np.abs(x), np.where(typical != 0, np.abs(typical), 1.0))
    for j in range(x.size):
        step = min(_STEP * float(size[j]), 0.25 * float(upper[j] - lower[j]))
        ahead = upper[j] - x[j] >= step
        behind = x[j] - lower[j] >= step

        def at(moves: float, j: int = j, step: float = step) -> tuple[float, FloatArray]:
            other = x.copy()
            other[j] += moves * step
            return other[j] - x[j], residual(other)

        if step <= 0 or x[j] + step == x[j]:
            continue
        if ahead and behind:
            (up, above), (down, below) = at(1.0), at(-1.0)
            jacobian[:, j] = (above - below) / (up - down)
        else:
            sign = 1.0 if ahead else -1.0
            (near, first), (far, second) = at(sign), at(2 * sign)
            # Exact for a parabola also where rounding made the steps unequal.
            a, b = (first - values) / near, (second - values) / far
            jacobian[:, j] = (a * far - b * near) / (far - near)
    return jacobian
