"""Recipes: every step, in order, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from fitting.dataset import Axis, Noise, Spectrum
from fitting.identity import same
from fitting.recipe import Recipe, Step, energy_shift
from libraries.errors import BadData, BadModel


def spectrum(quantity="binding_energy") -> Spectrum:
    return Spectrum(Axis(np.arange(280.0, 290.0), quantity), np.arange(10), transmission=np.arange(1.0, 11.0))


@pytest.mark.parametrize(("quantity", "sign"), [("binding_energy", 1), ("kinetic_energy", -1)])
def test_energy_shift(quantity, sign):
    recipe = Recipe((energy_shift(0.3, "C 1s at 284.6 eV"), energy_shift(-1.0, "")))
    raw = spectrum(quantity)
    np.testing.assert_allclose(recipe.apply(raw).x, raw.x + sign * -0.7, rtol=1e-12)
    assert recipe.energy_shift == pytest.approx(-0.7)
    assert recipe.charge_reference() == "shift -1.00 eV"
    assert Recipe(recipe.steps[:1]).charge_reference() == "C 1s at 284.6 eV"
    assert (Recipe().charge_reference(), Recipe().energy_shift) == ("", 0)
    assert recipe.without_kind("energy_shift") == Recipe()


def test_photon_energy_turns_the_axis():
    step = Step("photon_energy", (("photon_energy", 1486.6), ("work_function", 4.5)))
    raw = spectrum("kinetic_energy")
    done = Recipe((step,)).apply(raw)
    assert done.axis.quantity == "binding_energy"
    np.testing.assert_allclose(done.x, (1486.6 - 4.5 - raw.x)[::-1])
    assert done.counts.tolist() == raw.counts.tolist()[::-1]
    assert done.transmission.tolist() == raw.transmission.tolist()[::-1]
    assert (done.meta.photon_energy, done.meta.work_function) == (1486.6, 4.5)
    # A shift before and a shift behind it mean the same.
    shift = energy_shift(0.4, "")
    np.testing.assert_allclose(Recipe((shift, step)).apply(raw).x, Recipe((step, shift)).apply(raw).x)


def test_photon_energy_of_binding_energies_is_only_told():
    step, raw = Step("photon_energy", (("photon_energy", 1253.6),)), spectrum()
    done = Recipe((step,)).apply(raw)
    assert (done.axis.quantity, done.meta.photon_energy) == ("binding_energy", 1253.6)
    assert (done.x.tolist(), done.counts.tolist()) == (raw.x.tolist(), raw.counts.tolist())
    with pytest.raises(BadData, match="known already"):
        Recipe((step,)).apply(done)


def test_crop_and_noise():
    crop = Step("crop", (("low", 282.0), ("high", 284.0)))
    noise = Step("noise", (("kind", "gaussian"), ("read_noise", 2.0)))
    done = Recipe((crop,)).with_step(noise).apply(spectrum())
    assert done.x.tolist() == [282.0, 283.0, 284.0]
    assert done.noise == Noise("gaussian", None, 2.0, origin="user")
    assert same(spectrum(), Recipe().apply(spectrum()))


BAD = [
    (Step("smooth"), BadModel), (Step("energy_shift"), BadModel), (Step("energy_shift", (("shift", "a"),)), BadModel),
    (Step("energy_shift", (("shift", float("nan")),)), BadModel), (Step("noise", (("kind", "odd"),)), BadModel),
    (Step("crop", (("low", 1), ("high", 2))), BadData),
]  # fmt: skip


@pytest.mark.parametrize(("step", "error"), BAD)
def test_bad_steps(step, error):
    with pytest.raises(error):
        Recipe((step,)).apply(spectrum())


def test_only_photoelectron_axes_shift():
    with pytest.raises(BadData, match="photoelectron"):
        Recipe((energy_shift(1.0, ""),)).apply(spectrum("energy_loss"))
