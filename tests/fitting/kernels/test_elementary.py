"""The elementary functions of the compiled fits, against NumPy, SciPy and exact arithmetic."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy import special

from fitting.kernels import elementary


def test_exp():
    x = np.concatenate([np.linspace(-690.0, 690.0, 3001), np.geomspace(1e-300, 1e-3, 50)])
    ours = np.array([elementary.exp(float(v)) for v in x])
    np.testing.assert_allclose(ours, np.exp(x), rtol=4e-16)
    assert 0.0 < elementary.exp(-1e9) < 1e-303


def exact_ratio(q: float) -> float:
    """(q ln q - q + 1)/(q - 1)**2 by its series about 1 in exact fractions; q within 0.1 of 1."""
    u = Fraction(q) - 1
    return float(sum(Fraction((-1) ** k, (k + 1) * (k + 2)) * u**k for k in range(18)))


def test_deviance_does_not_cancel_near_one():
    for step in (0.0, 1e-15, 1e-12, 1e-9, 1e-6, 1e-4, 1e-3, 0.03, 0.09):
        for q in (1.0 + step, 1.0 - step):
            assert elementary.deviance_ratio(q) == pytest.approx(exact_ratio(q), rel=1e-15)


def test_deviance_far_from_one():
    q = np.concatenate([np.geomspace(1e-12, 0.9, 500), np.geomspace(1.1, 1e9, 500)])
    ours = np.array([elementary.deviance_ratio(float(v)) for v in q])
    np.testing.assert_allclose(ours, (special.xlogy(q, q) - q + 1.0) / (q - 1.0) ** 2, rtol=1e-13)


def test_erfcx():
    x = np.concatenate([[0.0], np.geomspace(1e-8, 1e8, 400)])
    out = np.empty_like(x)
    elementary.erfcx_array(x, out)
    np.testing.assert_allclose(out, special.erfcx(x), rtol=3e-15)
    assert elementary.erfcx(0.7) == pytest.approx(float(special.erfcx(0.7)), rel=1e-15)


@pytest.mark.parametrize("y", [0.0, 1e-6, 1e-3, 0.1, 1.0, 5.0, 30.0])
def test_faddeeva(y):
    x = np.linspace(-8.0, 8.0, 401)
    real, imag = np.empty_like(x), np.empty_like(x)
    elementary.faddeeva_array(x, y, real, imag)
    truth = special.wofz(x + 1j * y)
    np.testing.assert_allclose(real + 1j * imag, truth, rtol=3e-14)


def test_digamma():
    for x in (0.5, 0.51, 0.75, 1.0, 3.3, 40.0):
        assert elementary.digamma(x) == pytest.approx(float(special.digamma(x)), abs=3e-15 * (1 + abs(math.log(x))))
