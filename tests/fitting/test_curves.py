"""Curves for plots: they add up, and residuals are in standard deviations."""

from __future__ import annotations

import numpy as np
import pytest

from fitting.curves import curves
from fitting.dataset import Noise
from libraries.errors import BadData
from tests.fitting.problems import counted, grid, six_peaks


@pytest.mark.parametrize(
    "noise", [Noise("poisson", 1.0), Noise("poisson", None), Noise("gaussian", None, 60.0), Noise()]
)
def test_curves_add_up(noise):
    truth = six_peaks()
    spectrum = counted(grid(301), truth).with_(noise=noise)
    found = curves(spectrum, truth)
    np.testing.assert_allclose(found.envelope, found.background + sum(c for _, c in found.components), rtol=1e-12)
    assert [id for id, _ in found.components] == [c.id for c in truth.components]
    assert found.component("p2").shape == found.x.shape
    if noise.kind != "gaussian":
        assert np.std(found.residual) == pytest.approx(1.0, rel=0.1)
    np.testing.assert_array_equal(np.sign(found.residual), np.sign(found.y - found.envelope))


def test_perfect_data_and_empty_region():
    truth = six_peaks()
    spectrum = grid(301, noise=Noise())
    perfect = spectrum.with_(counts=curves(spectrum, truth).envelope)
    assert np.all(curves(perfect, truth).residual == 0)
    with pytest.raises(BadData):
        curves(spectrum, truth.moved(100.0))
