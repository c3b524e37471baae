"""The statistic of a fit compiled: its value, gradient and curvature from envelope, derivatives and data."""

from __future__ import annotations

import numpy as np
from numba import njit

from fitting.kernels.elementary import OPTIONS, deviance_ratio

# What the data are: chi2 with given variances, or counts with their deviance.
CHI2, POISSON = 0, 1
FLOOR = 1e-3  # of one event: below, the deviance is continued by its tangent; see `fitting.statistics`
_BLOCK = 256  # points that stay in the nearest cache while all pairs of rows are summed
# Of sums alone the order may change: that is what makes them vectors.
SUMS = {"nogil": True, "error_model": "numpy", "fastmath": {"reassoc", "contract"}}


@njit(**OPTIONS)
def weights(
    kind: int,
    y: np.ndarray,
    m: np.ndarray,
    given: np.ndarray,
    pull: np.ndarray,
    grip: np.ndarray,
    single: np.ndarray,
) -> float:
    """Value of the statistic; factors of the gradient and of the curvature for every point.

    Parameters
    ----------
    kind : CHI2 or POISSON
    y, m : arrays, shape (n,)
        Data and envelope.
    given : array, shape (n,) or (1,)
        Inverse variances, or the gain.
    pull, grip : arrays, shape (n,)
        Written: half the gradient is the sum of pull times the derivatives; the curvature that of grip times their
        products: those of the residuals' own squares (Gauss-Newton's).
    single : array, shape (n,)
        Written: what every point adds to the statistic.
    """
    if kind == CHI2:
        for i in range(y.size):
            r = y[i] - m[i]
            single[i] = given[i] * r * r
            pull[i] = -given[i] * r
            grip[i] = given[i]
        return plain_sum(single)
    gain = given[0]
    floor, inverse = FLOOR * gain, 1.0 / gain
    low = 0
    for i in range(y.size):
        # No branch and no sum of real numbers in here, so that four points are worked out at once.
        low += 0 if m[i] >= floor else 1
        expected = max(m[i], floor)
        below = 1.0 / expected
        u = y[i] * below - 1.0
        ratio = deviance_ratio(y[i] * below) if y[i] > 0.0 else 1.0
        pull[i] = -u * inverse
        grip[i] = 0.5 * below * inverse / ratio
        single[i] = 2.0 * inverse * expected * ratio * u * u
    total = plain_sum(single)
    if low:
        total += _below_floor(y, m, gain, pull, grip)
    return total


@njit(**SUMS)
def plain_sum(values: np.ndarray) -> float:
    """Sum in any order."""
    total = 0.0
    for i in range(values.size):
        total += values[i]
    return total


@njit(**OPTIONS)
def _below_floor(y: np.ndarray, m: np.ndarray, gain: float, pull: np.ndarray, grip: np.ndarray) -> float:
    """What changes where the model expects less than the floor: the root of the deviance goes on along its tangent."""
    floor = FLOOR * gain
    more = 0.0
    for i in range(y.size):
        if m[i] >= floor:
            continue
        q = y[i] / floor
        deviance = 2.0 * floor / gain * (deviance_ratio(q) if y[i] > 0.0 else 1.0) * (q - 1.0) ** 2
        root = np.sqrt(deviance) * np.sign(y[i] - floor)
        ratio = q - 1.0
        slope = -(1.0 + ratio / 6.0) / (gain * np.sqrt(floor / gain)) if abs(ratio) < 1e-4 else -ratio / (gain * root)
        residual = root + slope * (m[i] - floor)
        more += residual * residual - deviance
        pull[i] = residual * slope
        grip[i] = slope * slope
    return more


@njit(**SUMS)
def sums(
    rows: np.ndarray, first: int, pull: np.ndarray, grip: np.ndarray, gradient: np.ndarray, curvature: np.ndarray
) -> None:
    """Half the gradient (f,) and half the curvature (f, f) of the statistic; `rows` (f or more, n) from `first` on."""
    f, n = gradient.size, pull.size
    gradient[:] = 0.0
    curvature[:, :] = 0.0
    heavy_a, heavy_c = np.empty(_BLOCK), np.empty(_BLOCK)
    for low in range(0, n, _BLOCK):
        length = min(_BLOCK, n - low)
        at = first + low
        pulls, grips = pull[low : low + length], grip[low : low + length]
        for a in range(0, f, 2):
            # Two rows by two at a time: half the loads of one by one.
            c = min(a + 1, f - 1)
            row_a, row_c = rows[a, at : at + length], rows[c, at : at + length]
            gradient_a, gradient_c = 0.0, 0.0
            for i in range(length):
                gradient_a += pulls[i] * row_a[i]
                gradient_c += pulls[i] * row_c[i]
                heavy_a[i] = grips[i] * row_a[i]
                heavy_c[i] = grips[i] * row_c[i]
            gradient[a] += gradient_a
            if c > a:
                gradient[c] += gradient_c
            for b in range(0, a + 1, 2):
                d = min(b + 1, f - 1)
                row_b, row_d = rows[b, at : at + length], rows[d, at : at + length]
                ab, ad, cb, cd = 0.0, 0.0, 0.0, 0.0
                for i in range(length):
                    ab += heavy_a[i] * row_b[i]
                    ad += heavy_a[i] * row_d[i]
                    cb += heavy_c[i] * row_b[i]
                    cd += heavy_c[i] * row_d[i]
                curvature[a, b] += ab
                if d > b:
                    curvature[a, d] += ad
                if c > a:
                    curvature[c, b] += cb
                    if d > b:
                        curvature[c, d] += cd
    for a in range(f):
        for b in range(a):
            curvature[b, a] = curvature[a, b]
