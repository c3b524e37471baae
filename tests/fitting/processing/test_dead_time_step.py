"""Dead time and mass scale as steps of a recipe."""

import numpy as np
import pytest

from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.processing.dead_time_step import dead_time_step
from fitting.processing.mass_scale import mass_scale_step
from fitting.recipe import Recipe
from libraries.errors import BadData


def spectrum(counts, extra=(), step=1.0):
    return Spectrum(Axis(np.arange(len(counts)) * step, "channel", ""), np.asarray(counts), Noise("poisson", 1.0),
                    Meta(title="T", technique="sims", extra=extra))


def test_simulated_pulses_are_corrected_within_one_percent(measured):
    """Each pulse: Poisson ions in every channel, blind for `dead` channels after a counted one."""
    rng = np.random.default_rng(0)
    n, dead, pulses = 60, 12, 200_000
    mean = np.full(n, 1e-3)
    mean[20:24] = [0.1, 0.3, 0.3, 0.1]
    arrived = rng.random((pulses, n)) < -np.expm1(-mean)
    counted = np.zeros(n, int)
    free = np.zeros(pulses, int)
    for channel in range(n):
        seen = arrived[:, channel] & (free <= channel)
        counted[channel] = seen.sum()
        free[seen] = channel + dead + 1
    corrected = Recipe((dead_time_step(pulses, dead),)).apply(spectrum(counted))
    line, truth = corrected.y[20:24].sum(), pulses * mean[20:24].sum()
    measured("dead-time step on simulated pulses", abs(line / truth - 1) * 100, "%", "<= 1")
    assert counted[20:24].sum() < 0.75 * truth
    assert line == pytest.approx(truth, rel=0.01)


@pytest.mark.parametrize(("data", "words"), [
    (spectrum([3, 4, 5], (("dead time", "corrected by the instrument's software (the file says so)"),)), "already"),
    (spectrum([3, 4, 5], step=200.0), "joined by 200"),
    (spectrum([3.5, 4.2, 5.1]), "no raw counts"),
    (spectrum([3, 4, 5]).with_(axis=Axis(np.arange(3.0), "mass", "")), "channels of the recorder"),
])  # fmt: skip
def test_what_cannot_be_corrected_is_refused(data, words):
    with pytest.raises(BadData, match=words):
        Recipe((dead_time_step(1e6, 5),)).apply(data)


def test_stated_as_uncorrected_is_taken():
    data = spectrum([3, 4, 5], (("dead time", "not corrected"),))
    assert Recipe((dead_time_step(1e6, 5),)).apply(data).y == pytest.approx([3, 4, 5], rel=1e-4)


def test_mass_scale_on_a_file_without_channels():
    """m/z of a file is moved along its roots, which are linear in time: (1.001 sqrt(m) + 0.01)^2."""
    masses = np.linspace(1.0, 100.0, 50)
    data = spectrum(np.ones(50, int)).with_(axis=Axis(masses, "mass", ""))
    found = Recipe((mass_scale_step(1 / 1.001, -0.01 / 1.001),)).apply(data)
    assert found.axis.quantity == "mass"
    np.testing.assert_allclose(found.x, (1.001 * np.sqrt(masses) + 0.01) ** 2, rtol=1e-12)
