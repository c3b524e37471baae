"""Elementary functions in a form that the compiler turns into vector instructions.

The mathematical library is called once a number; written as polynomials without branches, four numbers (AVX2) take the
time of one. Accuracy is a few units in the last place; the tests hold them against NumPy and SciPy.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

# How all functions here are compiled. Contraction (fused multiply-add) is more exact and faster; other liberties would
# lose the digits that some of these formulas are written to keep.
OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}}

_LOG2E = 1.0 / math.log(2.0)
# ln 2 in two parts (W. J. Cody, W. Waite, Software Manual for the Elementary Functions, 1980): the first has zeros at
# its end, so that its product with a small integer is exact.
_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = math.log(2.0) - _LN2_HIGH + 2.3190468138462996e-17  # ln 2 to 106 bits less the first part
_MAGIC = 6755399441055744.0  # 1.5 * 2**52: adding it rounds to an integer in the low bits
_MANTISSA = (1 << 52) - 1
_ROOT_HALF_BITS = int(np.float64(math.sqrt(0.5)).view(np.int64))


@intrinsic
def bits_of(typing_context: Any, value: Any) -> Any:
    """The bits of a float64 as int64."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.int64(types.float64), code


@intrinsic
def float_of(typing_context: Any, bits: Any) -> Any:
    """The float64 of the bits of an int64."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), code


@njit(**OPTIONS)
def exp(x: float) -> float:
    """e**x for x <= 700; 1e-304 instead of less."""
    x = max(x, -700.0)
    shifted = x * _LOG2E + _MAGIC
    whole = shifted - _MAGIC
    r = (x - whole * _LN2_HIGH) - whole * _LN2_LOW
    # Taylor's series to the 13th power: the rest is below 1e-17 for |r| <= ln(2)/2.
    p = 1.0 / 6227020800.0
    p = p * r + 1.0 / 479001600.0
    p = p * r + 1.0 / 39916800.0
    p = p * r + 1.0 / 3628800.0
    p = p * r + 1.0 / 362880.0
    p = p * r + 1.0 / 40320.0
    p = p * r + 1.0 / 5040.0
    p = p * r + 1.0 / 720.0
    p = p * r + 1.0 / 120.0
    p = p * r + 1.0 / 24.0
    p = p * r + 1.0 / 6.0
    p = p * r + 0.5
    p = p * r + 1.0
    p = p * r + 1.0
    return float_of(bits_of(p) + (bits_of(shifted) << 52))


@njit(**OPTIONS)
def deviance_ratio(q: float) -> float:
    """(q ln q - q + 1)/(q - 1)**2 for q > 0 without cancellation near q = 1, where it is 1/2.

    Times 2 m (q - 1)**2 it is the Poisson deviance of y = q m counts where m are expected.
    """
    bits = bits_of(q)
    # q = 2**k f with f between sqrt(1/2) and sqrt(2).
    k = (bits - _ROOT_HALF_BITS) >> 52
    f = float_of(bits - (k << 52))
    # k becomes a float by the same trick as in `exp`, backwards.
    exponent = float_of(k + 0x4338000000000000) - _MAGIC
    below = 1.0 / (f + 1.0)
    s = (f - 1.0) * below
    z = s * s
    p = 1.0 / 23.0
    p = p * z + 1.0 / 21.0
    p = p * z + 1.0 / 19.0
    p = p * z + 1.0 / 17.0
    p = p * z + 1.0 / 15.0
    p = p * z + 1.0 / 13.0
    p = p * z + 1.0 / 11.0
    p = p * z + 1.0 / 9.0
    p = p * z + 1.0 / 7.0
    p = p * z + 1.0 / 5.0
    p = p * z + 1.0 / 3.0
    u = q - 1.0
    # ln f = 2 s + 2 s z p; without a power of two s = u/(2 + u), and everything is a multiple of u**2.
    near = below * (1.0 + 2.0 * q * s * below * p)
    far = (q * (exponent * _LN2_HIGH + (exponent * _LN2_LOW + 2.0 * s * (1.0 + z * p))) - u) / (u * u)
    return near if k == 0 else far


def _weideman(terms: int) -> tuple[np.ndarray, float]:
    """Coefficients, highest power first, and scale of Weideman's rational series of the Faddeeva function.

    J. A. C. Weideman, SIAM J. Numer. Anal. 31, 1497 (1994): w(z) = 2 p(Z)/(L - iz)**2 + 1/(sqrt(pi) (L - iz)) with
    Z = (L + iz)/(L - iz), for Im z >= 0.
    """
    points = 2 * terms
    scale = math.sqrt(terms / math.sqrt(2.0))
    angle = np.pi * np.arange(-points + 1, points) / points
    t = scale * np.tan(angle / 2)
    samples = np.concatenate([[0.0], np.exp(-t * t) * (scale**2 + t * t)])
    series = np.real(np.fft.fft(np.fft.fftshift(samples))) / (2 * points)
    return np.ascontiguousarray(series[1 : terms + 1][::-1]), scale


FADDEEVA, FADDEEVA_SCALE = _weideman(40)
_ROOT_PI = math.sqrt(math.pi)


@njit(**OPTIONS)
def erfcx(x: float) -> float:
    """exp(x**2) erfc(x) for x >= 0."""
    ratio = (FADDEEVA_SCALE - x) / (FADDEEVA_SCALE + x)
    total = 0.0
    for coefficient in FADDEEVA:
        total = total * ratio + coefficient
    inverse = 1.0 / (FADDEEVA_SCALE + x)
    return inverse * (2.0 * total * inverse + 1.0 / _ROOT_PI)


@njit(**OPTIONS)
def erfcx_array(x: np.ndarray, out: np.ndarray) -> None:
    """`erfcx` of an array of numbers >= 0."""
    n = x.size
    ratio = np.empty(n)
    for i in range(n):
        ratio[i] = (FADDEEVA_SCALE - x[i]) / (FADDEEVA_SCALE + x[i])
        out[i] = 0.0
    for coefficient in FADDEEVA:
        for i in range(n):
            out[i] = out[i] * ratio[i] + coefficient
    for i in range(n):
        inverse = 1.0 / (FADDEEVA_SCALE + x[i])
        out[i] = inverse * (2.0 * out[i] * inverse + 1.0 / _ROOT_PI)


@njit(**OPTIONS)
def faddeeva_array(x: np.ndarray, y: float, real: np.ndarray, imag: np.ndarray) -> None:
    """w(x + iy) for an array x and one y >= 0."""
    n = x.size
    zr, zi = np.empty(n), np.empty(n)
    for i in range(n):
        # D = L - iz = (L + y) - ix; Z = (L + iz)/D
        below = 1.0 / ((FADDEEVA_SCALE + y) ** 2 + x[i] * x[i])
        zr[i] = ((FADDEEVA_SCALE - y) * (FADDEEVA_SCALE + y) - x[i] * x[i]) * below
        zi[i] = 2.0 * FADDEEVA_SCALE * x[i] * below
        real[i] = 0.0
        imag[i] = 0.0
    for coefficient in FADDEEVA:
        for i in range(n):
            turned = real[i] * zi[i] + imag[i] * zr[i]
            real[i] = real[i] * zr[i] - imag[i] * zi[i] + coefficient
            imag[i] = turned
    for i in range(n):
        below = 1.0 / ((FADDEEVA_SCALE + y) ** 2 + x[i] * x[i])
        ir_, ii = (FADDEEVA_SCALE + y) * below, x[i] * below  # 1/D
        br = 2.0 * (real[i] * ir_ - imag[i] * ii) + 1.0 / _ROOT_PI
        bi = 2.0 * (real[i] * ii + imag[i] * ir_)
        real[i] = br * ir_ - bi * ii
        imag[i] = br * ii + bi * ir_


@njit(**OPTIONS)
def digamma(x: float) -> float:
    """Derivative of ln Gamma for x > 0: upward recurrence, then Stirling's series (Abramowitz & Stegun 6.3.18)."""
    total = 0.0
    while x < 10.0:
        total -= 1.0 / x
        x += 1.0
    z = 1.0 / (x * x)
    series = z * (1 / 12 - z * (1 / 120 - z * (1 / 252 - z * (1 / 240 - z * (1 / 132 - z * 691 / 32760)))))
    return total + math.log(x) - 0.5 / x - series
