"""Composition of factors by XPS: truth of the simulated interphase, independent solutions, what is not determined.

Phases, rates and shares are those of `fitting.simulate.sims`; compositions are chosen (`xps_truth`).
"""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import trapezoid
from scipy.optimize import minimize

from fitting.sims.by_xps import UNKNOWN, calibrate
from fitting.sims.by_xps_errors import basis, closed_covariance
from fitting.sims.by_xps_given import SharesAlong
from fitting.sims.by_xps_setup import ByXps, XpsDepth
from fitting.sims.by_xps_shares import averaging
from libraries.errors import BadData, BadModel, Cancelled, NotDetermined
from tests.fitting.sims.xps_truth import COMPOSITIONS, DENSITIES, ELEMENTS, NAMES, PLACES, along, seen, setup, sims

BIG = COMPOSITIONS > 2.5  # clear of zero at errors of 0.5 to 1 at.%


def drawn(repeats, *, draws=100, first=0, **more):
    """Calibrations of repeats with other noise."""
    known = sims(120)
    return [calibrate(known, setup(np.random.default_rng((first, number)), **more), draws=draws, seed=number)
            for number in range(repeats)]


# -- means over the depth of XPS ------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [0.3, 2.5, 40.0])
def test_means_below_a_place_are_integrals(length):
    rng = np.random.default_rng(1)
    z, places = np.sort(rng.uniform(0.2, 50.0, 40)), np.array([0.0, 3.3, 20.0, 49.0])
    y = rng.uniform(0.0, 5.0, 40)
    fine = np.linspace(0.0, z[-1], 400_001)
    for place, value in zip(places, averaging(z, places, length) @ y, strict=True):
        inside = fine >= place
        weight = np.exp(-(fine[inside] - place) / length)
        wanted = trapezoid(weight * np.interp(fine[inside], z, y), fine[inside]) / trapezoid(weight, fine[inside])
        assert value == pytest.approx(wanted, rel=2e-4)


def test_means_without_a_length_and_at_the_end_are_values():
    z, y = np.array([1.0, 2.0, 4.0]), np.array([3.0, 5.0, 1.0])
    assert averaging(z, np.array([0.0, 1.5, 4.0]), 0.0) @ y == pytest.approx([3.0, 4.0, 1.0])
    assert averaging(z, np.array([4.0]), 2.0) @ y == pytest.approx([1.0])
    assert averaging(z, np.array([0.0, 3.0]), 2.0).sum(axis=1) == pytest.approx([1.0, 1.0])


# -- errors of compositions -----------------------------------------------------------------------------------------


def test_covariance_of_a_composition_has_the_given_errors_and_no_sum():
    x, errors = np.array([50.0, 30.0, 15.0, 5.0]), np.array([1.0, 0.8, 0.5, 0.4])
    covariance = closed_covariance(x, errors)
    assert np.sqrt(np.diag(covariance)) == pytest.approx(errors, rel=1e-6)
    assert covariance.sum(axis=0) == pytest.approx(np.zeros(4), abs=1e-12)
    assert basis(4).T @ basis(4) == pytest.approx(np.eye(3), abs=1e-12)
    assert basis(4).sum(axis=0) == pytest.approx(np.zeros(3), abs=1e-12)


# -- compositions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [0.0, 2.5])
def test_exact_numbers_give_the_exact_compositions(length):
    found = calibrate(sims(600), setup(length=length), draws=20)
    assert found.values == pytest.approx(COMPOSITIONS, abs=0.15)
    assert found.values.sum(axis=1) == pytest.approx(np.full(5, 100.0))
    assert np.all(found.determined)
    assert found.factor == 1.0
    z, x = along(600)
    assert found.depth == pytest.approx(z)
    assert found.profile == pytest.approx(x / x.sum(axis=1, keepdims=True) @ COMPOSITIONS, abs=0.2)
    assert found.parts.sum(axis=1) == pytest.approx(found.profile)
    assert found.fitted == pytest.approx(found.measured, abs=0.1)


def test_weights_are_the_shares_that_xps_sees():
    found = calibrate(sims(600), setup(length=2.5), draws=20)
    for weights, place in zip(found.weights, PLACES, strict=True):
        assert weights @ COMPOSITIONS == pytest.approx(seen(place, 2.5), abs=0.25)


def test_the_same_minimum_as_a_general_minimiser():
    """Depths without errors of their own: chi-square with the covariance of each composition, by SLSQP."""
    given = setup(np.random.default_rng(3), error=3.0)
    found = calibrate(sims(), given, draws=20)
    b = basis(5)
    inverses = [np.linalg.inv(b.T @ closed_covariance(x, np.full(5, 3.0)) @ b) for x in found.measured]

    def chi2(k):
        rest = (found.measured - found.weights @ k.reshape(5, 5)) @ b
        return sum(r @ inverse @ r for r, inverse in zip(rest, inverses, strict=True))

    sums = [{"type": "eq", "fun": lambda k, i=i: k.reshape(5, 5)[i].sum() - 100.0} for i in range(5)]
    other = minimize(chi2, COMPOSITIONS.ravel(), method="SLSQP", bounds=[(0.0, 100.0)] * 25, constraints=sums,
                     options={"maxiter": 500, "ftol": 1e-12})  # fmt: skip
    assert other.success
    assert np.any(found.values < 1e-6), "the constraint should be met somewhere"
    assert found.values.ravel() == pytest.approx(other.x, abs=5e-3)
    assert found.chi2 * found.degrees == pytest.approx(other.fun, rel=1e-5)


def test_repeats_are_the_same_every_time():
    given = setup(np.random.default_rng(0))
    first, second = (calibrate(sims(), given, draws=30) for _ in range(2))
    assert np.array_equal(first.errors, second.errors)
    assert np.array_equal(first.limits, second.limits)


@pytest.mark.parametrize("length", [0.0, 2.5])
def test_bias_and_coverage(length, measured):
    _statistics(drawn(12, draws=60, length=length, depth_error=0.3), measured, f"short, L {length:g} nm", 0.9, 1.2)


@pytest.mark.full
@pytest.mark.parametrize(("length", "depth_error", "error"),
                         [(0.0, 0.0, 0.7), (2.5, 0.0, 0.7), (2.5, 0.5, 0.7), (2.5, 0.3, 1.0)])
def test_bias_and_coverage_over_many_repeats(length, depth_error, error, measured):
    found = drawn(200, length=length, depth_error=depth_error, error=error)
    words = f"L {length:g} nm, depths ± {depth_error:g} nm, XPS ± {error:g} at.%"
    _statistics(found, measured, words, 0.5, 0.12)


def _statistics(found, measured, words, most_bias, slack):
    values, errors = (np.array([getattr(one, name) for one in found]) for name in ("values", "errors"))
    bias = np.abs(values.mean(axis=0) - COMPOSITIONS)
    pulls = (values - COMPOSITIONS) / errors
    inside = np.mean(np.abs(pulls) < 2.0)
    limits = np.array([one.limits for one in found])
    below = np.mean(limits[:, ~BIG] >= COMPOSITIONS[~BIG])
    measured(f"{words}: largest bias", bias.max(), "at.%", f"<= {most_bias}")
    measured(f"{words}: rms error", math.sqrt(np.mean((values - COMPOSITIONS) ** 2)), "at.%")
    measured(f"{words}: scatter of pulls", pulls[:, BIG].std(), "", f"1 ± {slack}")
    measured(f"{words}: truth within two errors", inside, "", ">= 0.9")
    measured(f"{words}: small truth below the 95 % limit", below, "", ">= 0.9")
    assert bias.max() <= most_bias
    assert pulls[:, BIG].std() == pytest.approx(1.0, abs=slack)
    assert inside >= 0.9
    assert below >= 0.9


def test_leaving_the_depth_of_xps_out_is_wrong_and_seen(measured):
    """XPS that sees 2.5 nm deep, evaluated as if it saw its depth alone."""
    found = drawn(6, draws=30, length=2.5, used=0.0)
    worst = np.abs(np.mean([one.values for one in found], axis=0) - COMPOSITIONS).max()
    measured("largest bias where the depth of XPS (2.5 nm) is left out", worst, "at.%", ">= 5")
    assert worst >= 5.0
    assert all(one.factor > 3.0 for one in found)
    assert any("do not agree" in note for note in found[0].notes)
    assert np.mean([one.errors for one in found]) > 2.0


def test_densities_of_atoms_are_used_where_they_are_known(measured):
    found = {}
    for known in (False, True):
        more = {"densities": tuple(map(float, DENSITIES))} if known else {}
        ones = drawn(8, draws=30, true_densities=DENSITIES, first=7, **more)
        found[known] = np.abs(np.mean([one.values for one in ones], axis=0) - COMPOSITIONS).max()
    measured("largest bias with densities of 62 to 75 atoms/nm3 taken as alike", found[False], "at.%")
    measured("the same with known densities", found[True], "at.%", "<= 0.8")
    assert found[True] <= 0.8
    assert found[False] > found[True]


# -- what is not determined -----------------------------------------------------------------------------------------


def test_a_factor_that_xps_never_saw_is_not_determined():
    shallow = setup(np.random.default_rng(2), places=(0.0, 3.0, 6.0, 9.0, 11.0, 13.0))
    found = calibrate(sims(), shallow, draws=40)
    assert found.determined.tolist() == [True, True, False, False, False]
    assert np.all(np.isnan(found.values[2:]))
    assert np.all(np.isnan(found.errors[2:]))
    assert found.values[:2] == pytest.approx(COMPOSITIONS[:2], abs=4.0)
    assert np.all(np.isfinite(found.profile[:14]))
    assert np.all(np.isnan(found.profile[-20:]))
    assert any(NAMES[3] in note and "not determined" in note for note in found.notes)


def test_two_factors_that_always_come_together_are_not_determined():
    z, x = along(60)
    shares = np.column_stack([x[:, 0], x[:, 1], 0.3 * x[:, 2:].sum(axis=1), 0.7 * x[:, 2:].sum(axis=1)])
    known = SharesAlong(("a", "b", "c", "d"), z, shares)
    compositions = np.array([[60.0, 30.0, 10.0], [10.0, 50.0, 40.0], [20.0, 20.0, 60.0], [80.0, 10.0, 10.0]])
    places = (1.0, 5.0, 11.0, 13.0, 20.0, 40.0)
    depths = tuple(XpsDepth(p, 0.0, tuple(averaging(z, np.array([p]), 0.0)[0] @ shares @ compositions), (0.5,) * 3)
                   for p in places)
    found = calibrate(known, ByXps("", ("C", "O", "F"), depths), draws=20)
    assert found.determined.tolist() == [True, True, False, False]
    assert found.condition == math.inf
    assert found.values[:2] == pytest.approx(compositions[:2], abs=1e-3)
    # Together they are determined, and so is the composition at every depth.
    assert found.profile[-1] == pytest.approx(0.3 * compositions[2] + 0.7 * compositions[3], abs=0.1)


def test_without_errors_they_follow_from_the_scatter():
    sizes, ratios = [], []
    for seed in range(8):
        given = setup(np.random.default_rng((4, seed)))
        bare = replace(given, depths=tuple(replace(one, errors=(math.nan,) * 5) for one in given.depths))
        with_errors, without = (calibrate(sims(240), one, draws=60) for one in (given, bare))
        sizes.append(without.measured_errors[0, 0])
        ratios.append(np.median(without.errors / with_errors.errors))
    assert np.mean(sizes) == pytest.approx(0.7, rel=0.2)
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.2)
    assert math.isnan(without.chi2)
    # m - 1 = 4 degrees of freedom for each depth beyond the factors.
    known = 100 / math.sqrt(2 * without.degrees)
    assert any("No errors of XPS were given" in note and note.endswith(f"known to {known:.0f} %")
               for note in without.notes)


def test_as_many_depths_as_factors_and_no_errors_give_values_without_errors():
    bare = setup(places=(1.0, 12.0, 20.0, 30.0, 44.0), error=0.0)
    found = calibrate(sims(), bare, draws=20)
    assert found.values == pytest.approx(COMPOSITIONS, abs=0.5)
    assert np.all(np.isnan(found.errors))
    assert np.all(np.isnan(found.profile_errors))


def test_errors_of_depths_make_interfaces_count_less():
    exact = setup(np.random.default_rng(5), places=(*PLACES, 8.5), depth_error=0.0)
    moved = list(exact.depths)
    moved[-1] = replace(moved[-1], amounts=tuple(map(float, seen(10.0))))  # 1.5 nm off, at an interface
    wrong = replace(exact, depths=tuple(moved))
    told = replace(wrong, depths=(*moved[:-1], replace(moved[-1], depth_error=1.5)))
    errors = [np.abs(calibrate(sims(), one, draws=20).values - COMPOSITIONS).max() for one in (wrong, told)]
    assert errors[1] < 0.6 * errors[0]


def test_errors_of_shares_scale_and_bands_add_to_the_errors():
    given = setup(np.random.default_rng(6), length=2.5)
    plain = calibrate(sims(), given, draws=60)
    z, x = along(60)
    for more in ({"errors": np.full(x.shape, 0.05)}, {"parts": 0.04 * z[None, :]}, {"sizes": np.full(5, 0.2)},
                 {"alternatives": (np.maximum(x + 0.1 * np.roll(x, 1, axis=1), 0.0),)}):
        wider = calibrate(sims(**more), given, draws=60)
        assert np.median(wider.errors / plain.errors) > 1.1, list(more)


@pytest.mark.parametrize("length", [0.0, 2.5])
def test_shares_of_which_nothing_is_known_widen_the_errors_and_stop_nothing(length):
    """Errors so large that some repeats have no amount of any factor at some depths."""
    given = setup(np.random.default_rng(7), length=length)
    found = calibrate(sims(errors=np.full(along(60)[1].shape, 1.0)), given, draws=40)
    assert np.all(np.isfinite(found.profile_errors[np.isfinite(found.profile)]))
    assert np.median(found.errors / calibrate(sims(), given, draws=40).errors) > 2.0
    empty = np.array(along(60)[1])
    empty[-3:] = 0.0
    assert np.all(np.isfinite(calibrate(sims(alternatives=(empty,)), given, draws=10).profile_errors))
    with pytest.raises(BadData, match="zero or above"):
        calibrate(replace(sims(), shares=sims().shares - 0.1), given, draws=10)


def test_errors_that_are_not_known_are_said():
    z, x = along(60)
    words = ("Errors of the shares", "No error of the depth scale")
    assert [sum(word in note for note in calibrate(sims(), setup(), draws=10).notes) for word in words] == [1, 1]
    more = {"errors": np.full(x.shape, 0.01), "parts": 0.02 * z[None, :]}
    told = calibrate(sims(**more, sizes=np.full(5, 0.05)), setup(), draws=10)
    assert not any(note.startswith(words) for note in told.notes)
    assert any(note.startswith("Errors of the yields") for note in calibrate(sims(**more), setup(), draws=10).notes)


def test_depth_of_xps_below_the_end_is_said():
    found = calibrate(sims(), setup(length=2.5, places=(*PLACES, 47.0)), draws=20)
    assert any("below the end of the profile" in note for note in found.notes)


# -- refusals -------------------------------------------------------------------------------------------------------


def changed(at=0, **changes):
    given = setup()
    depths = list(given.depths)
    depths[at] = replace(depths[at], **changes)
    return replace(given, depths=tuple(depths))


@pytest.mark.parametrize(("given", "kind", "words"), [
    (setup(places=PLACES[:4]), NotDetermined, "5 factors need XPS at 5 depths or more, and 4 are given"),
    (ByXps(), NotDetermined, "No composition by XPS is given"),
    (changed(depth=80.0), BadData, "The profile ends at"),
    (changed(depth=-1.0), BadData, "zero or above"),
    (changed(depth=math.nan, source="Cycled"), BadData, "Cycled: The depth of a composition by XPS is missing"),
    (changed(amounts=(60.0, 30.0, math.nan, 5.0, 5.0)), BadData, "F is missing"),
    (changed(amounts=(60.0, 30.0, -1.0, 6.0, 5.0)), BadData, "F is below zero"),
    (changed(amounts=(50.0, 30.0, 1.0, 4.0, 5.0)), BadData, "adds up to 90 and not to 100"),
    (changed(amounts=(50.0, 50.0)), BadData, "one number for each element"),
    (changed(errors=(1.0, 1.0, math.nan, 1.0, 1.0)), BadData, "F has no error"),
    (changed(errors=(1.0, 1.0, 0.0, 1.0, 1.0)), BadData, "The error of F must be above zero"),
    (changed(depth_error=-0.5), BadData, "error of a depth"),
    (replace(setup(), attenuation=-1.0), BadModel, "attenuation length"),
    (replace(setup(), angle=90.0), BadModel, "emission angle"),
    (replace(setup(), densities=(70.0, 70.0)), BadModel, "density of atoms"),
    (replace(setup(), quantities=("C", "C", "F", "Na", "Cl")), BadModel, "each once"),
])  # fmt: skip
def test_what_cannot_be_used_is_refused(given, kind, words):
    with pytest.raises(kind, match=words.replace("(", r"\(")):
        calibrate(sims(), given, draws=20)


def test_sums_that_were_rounded_are_scaled_and_said():
    numbers = np.array(setup().depths[0].amounts)
    found = calibrate(sims(), changed(amounts=tuple(0.99 * numbers)), draws=20)
    assert found.measured[0].sum() == pytest.approx(100.0)
    assert any("scaled to 100 at.%" in note for note in found.notes)


def test_work_is_told_and_stopped():
    told = []
    with pytest.raises(Cancelled):
        calibrate(sims(), setup(), progress=lambda part, words: told.append(part), cancel=lambda: len(told) > 3)
    assert 0.0 <= told[0] <= told[-1] < 0.1


def test_a_number_of_which_nothing_is_known():
    assert pytest.approx(np.std(np.linspace(0.0, 100.0, 100_001)), rel=1e-3) == UNKNOWN
    assert len(ELEMENTS) == COMPOSITIONS.shape[1]
