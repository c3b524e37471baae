"""Mass spectra as ions: sums between limits, whole counts, and what cannot be."""

import numpy as np
import pytest

from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.sims.ions_of import ions_of
from fitting.sims.setup import MassPeak
from libraries.errors import BadData, Cancelled

PEAKS = (MassPeak("Na+", 23.0, 22.9, 23.1), MassPeak("PF6-", 145.0, 144.9, 145.05, ("Na3F4-",)))


def image(counts, x):
    around = tuple(Axis(np.arange(float(n)), "index", "") for n in counts.shape[:-1])
    return Spectrum(Axis(x, "mass", ""), counts, Noise("poisson", 1.0), Meta(technique="sims"), navigation=around)


def test_sums_between_limits_included():
    x = np.array([22.8, 22.9, 23.0, 23.1, 23.2, 144.9, 145.05, 145.1])
    counts = np.random.default_rng(1).poisson(90.0, (3, 4, x.size)).astype(np.uint16)
    found = ions_of(image(counts, x), PEAKS)
    np.testing.assert_array_equal(found.counts[..., 0], counts[..., 1:4].sum(axis=-1))
    np.testing.assert_array_equal(found.counts[..., 1], counts[..., 5:7].sum(axis=-1))
    assert found.counts.dtype == np.uint16
    assert found.axis.labels == ("Na+", "PF6- or Na3F4-")
    assert found.axis.masses == (23.0, 145.0)
    assert found.noise == Noise("poisson", 1.0)


def test_one_spectrum_gives_one_row():
    x = np.linspace(20, 150, 2000)
    counts = np.random.default_rng(2).random(2000)
    found = ions_of(image(counts, x), PEAKS)
    assert found.counts.shape == (2,)
    assert found.counts[0] == pytest.approx(counts[(x >= 22.9) & (x <= 23.1)].sum())


def test_what_cannot_be():
    x = np.linspace(20, 30, 50)
    with pytest.raises(BadData, match="outside"):
        ions_of(image(np.ones(50), x), PEAKS)
    with pytest.raises(BadData, match="empty"):
        ions_of(image(np.ones(50), x), ())
    with pytest.raises(BadData, match="m/z"):
        ions_of(Spectrum(Axis(x, "channel", ""), np.ones(50)), PEAKS[:1])
    with pytest.raises(Cancelled):
        ions_of(image(np.ones(50), x), PEAKS[:1], cancel=lambda: True)
