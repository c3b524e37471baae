"""Layers of simulated profiles with known truth: both interfaces at once."""

import math

import numpy as np
import pytest

from fitting.dataset import Noise
from fitting.sims.layer_fit import fit_layer
from fitting.sims.response import dowsett_step, gauss_step, mri_step
from libraries.errors import BadData, BadModel, NotDetermined

COUNTS = Noise("poisson", 1.0)
STEPS = {"erf": gauss_step, "mri": mri_step, "dowsett": dowsett_step}
TRUTH = {"erf": (2.0,), "mri": (2.5, 0.5, 1.2), "dowsett": (0.9, 2.0, 1.2)}
Z = np.arange(0.0, 60.0, 0.5)


def layer(kind="erf", top=20.0, bottom=35.0, plateaus=(20.0, 5000.0, 100.0), lower=None):
    step, lengths = STEPS[kind], TRUTH[kind]
    before, inside, after = plateaus
    down = step(Z - bottom, *lengths[:-1], lower or lengths[-1])
    return before + (inside - before) * step(Z - top, *lengths) + (after - inside) * down


@pytest.mark.parametrize("kind", STEPS)
def test_exact_layers_give_the_truth_back(kind):
    found = fit_layer(Z, layer(kind), kind, Noise("unknown"))
    np.testing.assert_allclose(found.values, [20.0, 5000.0, 100.0, 20.0, 35.0, *TRUTH[kind]], rtol=2e-3)
    assert found.thickness == pytest.approx(15.0, rel=1e-3)
    np.testing.assert_allclose(found.curve(Z), layer(kind), rtol=1e-3)


@pytest.mark.parametrize(("kind", "repeats"), [
    ("erf", 60), ("mri", 40),
    pytest.param("erf", 1000, marks=pytest.mark.full), pytest.param("mri", 600, marks=pytest.mark.full),
    pytest.param("dowsett", 600, marks=pytest.mark.full),
])
def test_errors_of_thickness_and_edges_cover_the_truth(kind, repeats, measured):
    rng = np.random.default_rng(31)
    held = {"lam": 0.5} if kind == "mri" else {}
    fits = [fit_layer(Z, rng.poisson(layer(kind)), kind, COUNTS, held=held) for _ in range(repeats)]
    good = [fit for fit in fits if fit.status == "converged"]
    assert len(good) > 0.85 * repeats
    for name, truth, value, error in (
        ("thickness", 15.0, lambda f: f.thickness, lambda f: f.thickness_error),
        ("top", 20.0, lambda f: f.value("top"), lambda f: f.error("top")),
        ("sigma", TRUTH[kind][-1], lambda f: f.value("sigma"), lambda f: f.error("sigma")),
    ):
        pulls = np.array([(value(fit) - truth) / error(fit) for fit in good])
        measured(f"Layer {kind}, pulls of its {name}: scatter", np.std(pulls), "", "0.7 to 1.35")
        assert 0.7 < np.std(pulls) < 1.35, name
        assert abs(np.mean(pulls)) < 4.5 / math.sqrt(len(good)) + 0.1, name
        covered = np.mean(np.abs(pulls) < 1.0)
        assert abs(covered - 0.683) < 4.5 * math.sqrt(0.22 / len(good)), name
    assert np.mean([fit.reduced_chi2 for fit in good]) == pytest.approx(1.0, abs=0.1)


def test_a_rougher_lower_interface():
    rng = np.random.default_rng(7)
    found = fit_layer(Z, rng.poisson(layer(lower=3.5)), "erf", COUNTS, rougher=True)
    assert found.value("sigma") == pytest.approx(2.0, abs=5 * found.error("sigma"))
    assert found.value("sigma_bottom") == pytest.approx(3.5, abs=5 * found.error("sigma_bottom"))
    assert found.error("sigma_bottom") < 0.2


def test_a_dip_is_a_layer():
    found = fit_layer(Z, layer(plateaus=(4000.0, 300.0, 2500.0)), "erf", Noise("unknown"))
    assert found.thickness == pytest.approx(15.0, rel=1e-3)


def test_a_thin_layer_needs_its_plateau():
    """Below the response only plateau times thickness is known: errors must say so, and a held plateau must help."""
    rng = np.random.default_rng(11)
    y = rng.poisson(layer(bottom=21.5, plateaus=(20.0, 5000.0, 20.0)))
    free = fit_layer(Z, y, "erf", COUNTS)
    held = fit_layer(Z, y, "erf", COUNTS, held={"inside": 5000.0})
    assert held.thickness == pytest.approx(1.5, abs=4 * held.thickness_error)
    assert held.thickness_error < 0.05
    assert not free.thickness_error < 5 * held.thickness_error


def test_what_makes_no_sense_is_refused():
    y = layer()
    with pytest.raises(NotDetermined):
        fit_layer(Z, np.full_like(Z, 3.0), "erf", COUNTS)
    with pytest.raises(BadModel):
        fit_layer(Z, y, "erf", COUNTS, held={"w": 1.0})
    with pytest.raises(BadModel):
        fit_layer(Z, y, "erf", COUNTS, held={"sigma": -1.0})
    with pytest.raises(BadModel):
        fit_layer(Z, y, "tanh", COUNTS)
    with pytest.raises(BadData):
        fit_layer(Z, y - 500, "erf", COUNTS)
    with pytest.raises(BadData):
        fit_layer(Z[::-1], y, "erf", COUNTS)
    with pytest.raises(BadModel):
        fit_layer(Z, y, "erf", COUNTS).value("w")
