"""Interfaces of simulated profiles with known truth: positions, widths, errors, refusals."""

import math

import numpy as np
import pytest

from fitting.dataset import Noise
from fitting.sims.interface import HELD_AT_FIRST, LENGTHS, crossing, fit_interface, thickness
from fitting.sims.response import dowsett_step, gauss_step, mri_step
from libraries.errors import BadData, BadModel, NotDetermined

COUNTS = Noise("poisson", 1.0)
STEPS = {"erf": gauss_step, "mri": mri_step, "dowsett": dowsett_step}
TRUTH = {"erf": (2.0,), "mri": (2.5, 0.8, 1.2), "dowsett": (0.9, 2.5, 1.2)}
Z = np.arange(0.0, 60.0, 0.5)


def profile(kind, before, after, position=30.0, lengths=None, z=Z):
    return before + (after - before) * STEPS[kind](z - position, *(lengths or TRUTH[kind]))


@pytest.mark.parametrize("kind", LENGTHS)
@pytest.mark.parametrize(("before", "after"), [(5.0, 4000.0), (4000.0, 50.0)])
def test_exact_profiles_give_the_truth_back(kind, before, after):
    found = fit_interface(Z, profile(kind, before, after), kind, Noise("unknown"))
    assert found.status in ("converged", "at bound")
    np.testing.assert_allclose(found.values, [before, after, 30.0, *TRUTH[kind]], rtol=1e-4)
    np.testing.assert_allclose(found.curve(Z), profile(kind, before, after), rtol=1e-6)


@pytest.mark.parametrize(("kind", "repeats"), [
    ("erf", 60), ("mri", 60), ("dowsett", 60),
    pytest.param("erf", 1000, marks=pytest.mark.full), pytest.param("mri", 1000, marks=pytest.mark.full),
    pytest.param("dowsett", 1000, marks=pytest.mark.full),
])
def test_errors_are_the_scatter_of_repeats(kind, repeats, measured):
    rng = np.random.default_rng(21)
    mean = profile(kind, 20.0, 20000.0)
    fits = [fit_interface(Z, rng.poisson(mean), kind, COUNTS) for _ in range(repeats)]
    good = [fit for fit in fits if fit.status == "converged"]
    assert len(good) > 0.9 * repeats
    truth = dict(zip(good[0].names, (20.0, 20000.0, 30.0, *TRUTH[kind]), strict=True))
    for name in ("after", "position", *dict.fromkeys((LENGTHS[kind][0], "sigma"))):
        pulls = np.array([(fit.value(name) - truth[name]) / fit.error(name) for fit in good])
        measured(f"Interface {kind}, pulls of {name}: scatter", np.std(pulls), "", "0.7 to 1.35")
        assert 0.7 < np.std(pulls) < 1.35, name
        assert abs(np.mean(pulls)) < 4.5 / math.sqrt(len(good)) + 0.1, name
    widths = np.array([fit.width for fit in good])
    assert np.median([fit.width_error for fit in good]) == pytest.approx(np.std(widths), rel=0.4)
    assert np.mean([fit.reduced_chi2 for fit in good]) == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("kind", LENGTHS)
def test_the_width_is_that_of_the_curve(kind):
    fit = fit_interface(Z, profile(kind, 0.0, 1.0), kind, Noise("gaussian", read_noise=1e-3))
    fine = np.linspace(0, 60, 200_001)
    share = profile(kind, 0.0, 1.0, z=fine)
    low, high = np.interp([0.158655, 0.841345], share, fine)
    assert fit.width == pytest.approx(high - low, rel=1e-3)
    if kind == "erf":
        assert fit.width == pytest.approx(2 * fit.value("sigma"))
        assert fit.width_error == pytest.approx(2 * fit.error("sigma"), rel=1e-6)


def test_unknown_noise_takes_its_size_from_the_residuals():
    rng = np.random.default_rng(5)
    y = profile("erf", 1.0, 3.0) + rng.normal(0, 0.02, Z.size)
    known = fit_interface(Z, y, "erf", Noise("gaussian", read_noise=0.02))
    unknown = fit_interface(Z, y, "erf", Noise("unknown"))
    np.testing.assert_allclose(known.values, unknown.values, rtol=1e-6)
    assert unknown.error("position") == pytest.approx(known.error("position"), rel=0.25)
    assert unknown.error("position") == pytest.approx(known.error("position") * math.sqrt(known.reduced_chi2), rel=1e-6)


def test_held_values_stay_and_sharpen_the_others():
    rng = np.random.default_rng(9)
    y = rng.poisson(profile("mri", 20.0, 5000.0))
    free = fit_interface(Z, y, "mri", COUNTS)
    held = fit_interface(Z, y, "mri", COUNTS, held={"lam": 0.8})
    assert held.value("lam") == 0.8
    assert held.error("lam") == 0.0
    assert held.error("sigma") < free.error("sigma")
    assert fit_interface(Z, y, "mri", COUNTS, held={"lam": 0.0}).value("lam") == 0.0


def test_what_cannot_be_told_has_no_error():
    rng = np.random.default_rng(3)
    sharp = rng.poisson(profile("dowsett", 20.0, 5000.0, lengths=(0.0, 0.05, 0.05)))
    found = fit_interface(Z, sharp, "dowsett", COUNTS)
    assert found.status in ("at bound", "singular")
    assert any(math.isnan(found.error(name)) for name in LENGTHS["dowsett"])


@pytest.mark.parametrize(("before", "after"), [(10.0, 3000.0), (3000.0, 10.0)])
def test_crossing_of_an_error_function(before, after):
    found = crossing(Z, profile("erf", before, after), COUNTS)
    assert found.position == pytest.approx(30.0, abs=0.02)
    assert found.width == pytest.approx(4.0, rel=0.01)
    assert (found.before, found.after) == pytest.approx((before, after), rel=1e-3)


@pytest.mark.parametrize("noise", [COUNTS, Noise("unknown")])
def test_errors_of_crossings_cover_the_truth(noise):
    rng = np.random.default_rng(13)
    pulls, widths = [], []
    for i in range(40):
        found = crossing(Z, rng.poisson(profile("erf", 10.0, 1000.0)), noise, seed=i)
        pulls.append((found.position - 30.0) / found.position_error)
        widths.append((found.width - 4.0) / found.width_error)
    assert 0.5 < np.std(pulls) < 1.6
    assert abs(np.mean(pulls)) < 0.8
    assert 0.5 < np.std(widths) < 1.8
    one, two = (crossing(Z, profile("erf", 10.0, 1000.0), noise, seed=s) for s in (4, 4))
    assert one == two  # reproducible


def test_given_plateaus_are_used():
    y = profile("erf", 10.0, 1000.0)
    cut = y[:64]  # ends at 84 % and more of the step, without a plateau
    assert crossing(Z[:66], y[:66], COUNTS, before=10.0, after=1000.0).position == pytest.approx(30.0, abs=0.05)
    with pytest.raises(NotDetermined):
        crossing(Z[: cut.size - 2], cut[:-2], COUNTS, before=10.0, after=1000.0)


def test_thickness_of_a_layer():
    rng = np.random.default_rng(17)
    layer = 20 + 5000 * (gauss_step(Z - 15.0, 1.0) - gauss_step(Z - 40.0, 1.5))
    y = rng.poisson(layer)
    top = fit_interface(Z[:56], y[:56], "erf", COUNTS)
    bottom = fit_interface(Z[54:], y[54:], "erf", COUNTS)
    value, error = thickness(top, bottom)
    assert value == pytest.approx(25.0, abs=4 * error)
    assert 0 < error < 0.2
    with pytest.raises(BadData):
        thickness(bottom, top)


def test_what_makes_no_sense_is_refused():
    y = profile("erf", 10.0, 1000.0)
    with pytest.raises(NotDetermined):
        crossing(Z, np.full_like(Z, 7.0), COUNTS)
    with pytest.raises(NotDetermined):
        fit_interface(Z, np.full_like(Z, 7.0), "erf", COUNTS)
    with pytest.raises(NotDetermined, match="points"):
        fit_interface(Z[56:62], y[56:62] * 0 + [1, 1, 5, 9, 10, 10], "mri", COUNTS)
    with pytest.raises(BadModel):
        fit_interface(Z, y, "tanh", COUNTS)
    with pytest.raises(BadModel):
        fit_interface(Z, y, "erf", COUNTS, held={"w": 1.0})
    with pytest.raises(BadModel):
        fit_interface(Z, y, "erf", COUNTS, held={"sigma": -1.0})
    with pytest.raises(BadData):
        fit_interface(Z, y - 500.0, "erf", COUNTS)
    with pytest.raises(BadData):
        fit_interface(Z[::-1], y, "erf", COUNTS)
    with pytest.raises(BadData):
        crossing(Z, np.where(Z > 20, np.nan, y), COUNTS)
    with pytest.raises(BadModel):
        fit_interface(Z, y, "erf", COUNTS).value("w")


def test_an_interface_of_a_stopped_fit_says_so():
    assert fit_interface(Z, profile("mri", 10.0, 1000.0), "mri", COUNTS, cancel=lambda: True).status == "cancelled"


def dowsett_positions(top):
    """Pulls of the determined positions of 80 profiles whose lengths the data can hardly tell, and how many of their
    fits ended at a bound."""
    z = np.linspace(0.0, 40.0, 81)
    truth = top * (1.0 - dowsett_step(z - 20.0, 0.7, 2.0, 1.2)) + 0.5
    pulls, bounds = [], 0
    for seed in range(80):
        found = fit_interface(z, np.random.default_rng(seed).poisson(truth), "dowsett", Noise("poisson", 1.0))
        bounds += found.status == "at bound"
        if np.isfinite(found.error("position")):
            pulls.append((found.value("position") - 20.0) / found.error("position"))
    return np.array(pulls), bounds


@pytest.mark.parametrize(("top", "most"), [(1000.0, 1.25), (30.0, 1.6)])
def test_a_length_on_its_bound_makes_no_position_sharp(top, most, measured):
    """Lengths that the data can hardly tell often end at zero: the position keeps the error of a free length.

    One that is then known no better than to half of the range is not determined.
    """
    pulls, bounds = dowsett_positions(top)
    assert bounds > 5
    scatter = float(np.sqrt(np.mean(np.square(pulls))))
    measured(f"Interface (dowsett, {top:g} counts) with lengths on their bounds: root mean square pull of the position",
             scatter, "", "<= 1.25")
    assert len(pulls) > 30
    assert scatter <= most


@pytest.mark.xfail(strict=True, reason="54 and 37 of 80 positions are determined, the others no better than to half of "
                                       "the range; at 30 counts errors are 1.5 times too small (docs/notes.md)")
@pytest.mark.parametrize("top", [1000.0, 30.0])
def test_most_positions_beside_a_length_on_its_bound_are_determined(top):
    pulls, _ = dowsett_positions(top)
    assert np.sqrt(np.mean(np.square(pulls))) <= 1.25
    assert len(pulls) > 60


@pytest.mark.parametrize("lam", [0.0, 0.4])
@pytest.mark.parametrize("repeats", [25, pytest.param(400, marks=pytest.mark.full)])
def test_mri_of_sims_with_the_information_depth_held(lam, repeats, measured):
    """As interfaces by MRI begin: λ held at 0, where the truth is 0 to 0.4 nm (Hofmann 1994)."""
    mean, pulls = profile("mri", 20.0, 1000.0, lengths=(2.5, lam, 1.2)), []
    for seed in range(repeats):
        y = np.random.default_rng(seed).poisson(mean)
        found = fit_interface(Z, y, "mri", COUNTS, held=dict(HELD_AT_FIRST["mri"]))
        pulls.append((found.value("position") - 30.0) / found.error("position"))
        assert found.width_error < found.width
    bias, scatter = abs(float(np.mean(pulls))), float(np.std(pulls))
    measured(f"MRI with λ held at 0 ({lam:g} nm in truth, 1000 counts): bias of the position", bias, "errors", "<= 0.3")
    assert bias <= 0.3 + 2.0 / math.sqrt(repeats)
    assert 0.6 < scatter < 1.4


@pytest.mark.parametrize(("kind", "course"), [("mri", Z), ("erf", np.expm1(Z / 12)), ("dowsett", np.expm1(Z / 12))])
def test_a_width_that_ended_at_its_limit_has_no_error(kind, course):
    """A ramp and a rise without end: what is fitted is as wide as the range, or lies far outside of it."""
    y = np.random.default_rng(1).poisson(1000 * course / course[-1])
    found = fit_interface(Z, y, kind, COUNTS, held=dict(HELD_AT_FIRST.get(kind, ())))
    assert found.status == "at bound"
    assert set(found.at_bound) - {"before"}
    assert math.isnan(found.width_error)


def test_no_error_is_larger_than_half_of_the_range():
    """At few counts the curvature knows no bounds: 2e123 was seen."""
    for seed in range(12):
        y = np.random.default_rng(seed).poisson(profile("mri", 0.5, 15.0))
        found = fit_interface(Z, y, "mri", COUNTS, held={"lam": 0.0})
        for name in ("position", "w", "sigma"):
            assert not found.error(name) > 0.5 * (Z[-1] - Z[0])
        assert not found.width_error > 0.5 * (Z[-1] - Z[0])


def test_amounts_of_factors_are_weighed_by_their_errors(measured) -> None:
    """Amounts near zero are cut off at zero by the factor analysis; their errors there are not zero.

    Weighed by the measured numbers, one point of amount 0 outweighed all others.
    """
    z = np.linspace(0.0, 30.0, 61)
    truth = 40_000.0 * gauss_step(z - 15.0, 1.8)
    errors = np.sqrt(40.0**2 + 1.3 * truth)
    rng = np.random.default_rng(4)
    pulls, moved = [], []
    for _ in range(40):
        y = np.maximum(truth + errors * rng.normal(size=z.size), 0.0)
        found = [fit_interface(z[cut:], y[cut:], "erf", Noise("poisson", None), errors=errors[cut:]) for cut in (0, 4)]
        pulls += [(one.value(name) - true) / one.error(name) for one in found[:1]
                  for name, true in (("position", 15.0), ("sigma", 1.8))]
        moved.append((found[0].value("sigma") - found[1].value("sigma")) / found[0].error("sigma"))
    size = float(np.sqrt(np.mean(np.square(pulls))))
    measured("Interface of a factor, pulls of position and sigma, root mean square", size, "", "0.75 to 1.25")
    assert 0.75 < size < 1.25
    assert max(map(abs, moved)) < 1.0  # where the range begins on the plateau is no matter


def test_errors_of_intensities_must_fit() -> None:
    z = np.linspace(0.0, 30.0, 61)
    y = 100.0 * gauss_step(z - 15.0, 1.8)
    for errors in (np.ones(60), np.zeros(61), np.full(61, np.nan)):
        with pytest.raises(BadData, match="above zero"):
            fit_interface(z, y, "erf", Noise("unknown"), errors=errors)
