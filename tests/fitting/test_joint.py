"""Several regions fitted together: against one-region fits, an independent minimiser, and simulated truth."""

import numpy as np
import pytest
from scipy.optimize import minimize

from fitting import guess
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.engine import fit
from fitting.evaluate import Evaluator
from fitting.joint import Part, covariance_at, fit_joint
from fitting.model import Background, Component, FitModel, Param
from libraries.errors import BadModel, FitFailed

# Distances of Hammond, Corros. Sci. 21 (1981) 239, as in libraries/tables/xps_differences.csv.
O_ABOVE_C, NA_ABOVE_C = 242.1, 782.3
RATIO_O, RATIO_NA = 8.1, 14.5  # areas relative to C 1s of carbonate; chosen, of the order of 3 O and 2 Na


def peak(id, position, area, width=1.4, **links):
    param = {
        "area": Param(area, 0.0), "position": Param(position, position - 2, position + 2),
        "fwhm": Param(width, 0.4, 4.0), "mix": Param(0.2, vary=False),
    }
    param = {n: (Param(p.value, p.minimum, p.maximum, p.vary, links[n]) if n in links else p) for n, p in param.items()}
    return Component(id, id, "gl_sum", param)


def region(low, high, level, *components, name=""):
    background = Background("constant", {"level": Param(level, 0.0)})
    return FitModel((low, high), background, components, name)


def expected(model, step=0.1):
    low, high = model.region
    axis = Axis(np.arange(low, high + step / 2, step), "binding_energy")
    empty = Spectrum(axis, np.ones(axis.values.size), Noise("poisson", 1.0), Meta())
    evaluator = Evaluator(empty, model)
    return axis, evaluator.parts(evaluator.values_of(model)).envelope


def measured_once(model, rng, noise=None, scatter=0.0):
    axis, mean = expected(model)
    counts = rng.poisson(mean).astype(float) if noise is None else mean + rng.normal(0.0, scatter, mean.size)
    return Spectrum(axis, counts, noise or Noise("poisson", 1.0), Meta(region=model.name))


def carbonate(area=400.0):
    """Weak carbonate beside strong lines in C 1s and O 1s, alone in Na 1s."""
    c = region(281.0, 294.0, 120.0, peak("p1", 284.8, 4000.0), peak("p2", 286.4, 1200.0), peak("p3", 289.45, area),
               name="C 1s")
    o = region(526.0, 538.0, 200.0, peak("p1", 289.45 + O_ABOVE_C, area * RATIO_O, 1.6), peak("p2", 532.9, 5000.0, 1.6),
               name="O 1s")
    na = region(1066.0, 1078.0, 300.0, peak("p1", 289.45 + NA_ABOVE_C, area * RATIO_NA, 1.7), name="Na 1s")
    return {"c/r1": c, "o/r1": o, "na/r1": na}


TIES = {
    "o/r1/p1.position": f"{{c/r1/p3.position}} + {O_ABOVE_C}",
    "o/r1/p1.area": f"{{c/r1/p3.area}} * {RATIO_O}",
    "na/r1/p1.area": f"{{c/r1/p3.area}} * {RATIO_NA}",
    "na/r1/p1.position": f"{{c/r1/p3.position}} + {NA_ABOVE_C}",
}


def parts_of(models, seed):
    rng = np.random.default_rng(seed)
    return [Part(key, measured_once(model, rng), model) for key, model in models.items()]


@pytest.mark.parametrize("noise", [None, Noise("gaussian", read_noise=5.0), Noise(), Noise("poisson", None),
                                   Noise("poisson", 1.0, read_noise=8.0), Noise("gaussian", read_noise=5.0,
                                                                                correlation=0.3)])
def test_one_region_is_an_ordinary_fit(noise):
    model = carbonate()["c/r1"]
    spectrum = measured_once(model, np.random.default_rng(3), noise, 5.0)
    alone, joint = fit(spectrum, model), fit_joint([Part("c/r1", spectrum, model)], {}).results["c/r1"]
    for name in alone.names:
        error = alone.error(name)
        assert joint.value(name) == pytest.approx(alone.value(name), abs=2e-3 * error + 1e-12)
        assert joint.error(name) == pytest.approx(error, rel=2e-3)
    assert joint.free == alone.free
    assert joint.reduced_chi2 == pytest.approx(alone.reduced_chi2, rel=1e-3)
    assert joint.deviance == pytest.approx(alone.deviance, rel=1e-3)
    assert (joint.status, joint.statistic, joint.n_free) == (alone.status, alone.statistic, alone.n_free)


def test_regions_without_ties_are_as_fitted_alone():
    parts = parts_of(carbonate(), 1)
    joint = fit_joint(parts, {})
    for part in parts:
        alone = fit(part.spectrum, part.model)
        for name in alone.free:
            assert joint.results[part.key].value(name) == pytest.approx(alone.value(name), abs=1e-3 * alone.error(name))
            assert joint.error(f"{part.key}/{name}") == pytest.approx(alone.error(name), rel=1e-4)
    assert np.max(np.abs(joint.cross("c/r1", "o/r1"))) < 1e-6


def test_ties_hold_exactly_and_errors_are_tied_too():
    joint = fit_joint(parts_of(carbonate(), 2), TIES)
    assert joint.success
    c, o = joint.results["c/r1"], joint.results["o/r1"]
    assert o.value("p1.position") == pytest.approx(c.value("p3.position") + O_ABOVE_C, abs=1e-9)
    assert o.value("p1.area") == pytest.approx(RATIO_O * c.value("p3.area"), rel=1e-12)
    assert o.error("p1.area") == pytest.approx(RATIO_O * c.error("p3.area"), rel=1e-9)
    both = joint.covariance_of(["c/r1/p3.area", "na/r1/p1.area"])
    assert both[0, 1] / np.sqrt(both[0, 0] * both[1, 1]) == pytest.approx(1.0)
    assert "p1.area" not in o.free
    assert "p3.area" in c.free


def test_minimum_and_errors_of_an_independent_minimiser():
    """Poisson likelihood of two tied Gaussian-Lorentzian lines, written out by hand, minimised by SciPy."""
    one = region(284.0, 295.0, 50.0, peak("p1", 289.5, 600.0), name="A")
    two = region(526.0, 537.0, 80.0, peak("p1", 531.6, 1800.0), name="B")
    parts = parts_of({"a/r": one, "b/r": two}, 7)
    joint = fit_joint(parts, {"b/r/p1.area": "3 * {a/r/p1.area}", "b/r/p1.position": "{a/r/p1.position} + 242.1"})

    def shape(x, area, position, fwhm, mix=0.2):
        t = (x - position) / fwhm
        top = (1 - mix) * np.exp(-4 * np.log(2) * t**2) + mix / (1 + 4 * t**2)
        return area * top / (fwhm * ((1 - mix) * np.sqrt(np.pi / (4 * np.log(2))) + mix * np.pi / 2))

    def curves(v):
        area, place, w1, w2, b1, b2 = v
        x1, x2 = (p.spectrum.x for p in parts)
        return shape(x1, area, place, w1) + b1, shape(x2, 3 * area, place + 242.1, w2) + b2

    def deviance(v):
        total = 0.0
        for part, m in zip(parts, curves(v), strict=True):
            y = part.spectrum.y
            total += 2 * np.sum(m - y + np.where(y > 0, y * np.log(np.where(y > 0, y, 1) / m), 0))
        return total

    start = np.array([600.0, 289.5, 1.4, 1.4, 50.0, 80.0])
    found = minimize(deviance, start, method="Nelder-Mead",
                     options={"xatol": 1e-7, "fatol": 1e-10, "maxiter": 20000, "maxfev": 20000})
    names = ["a/r/p1.area", "a/r/p1.position", "a/r/p1.fwhm", "b/r/p1.fwhm", "a/r/background.level",
             "b/r/background.level"]
    step = 1e-4 * found.x
    rows = []
    for k in range(6):
        up, down = found.x.copy(), found.x.copy()
        up[k] += step[k]
        down[k] -= step[k]
        rows.append((np.concatenate(curves(up)) - np.concatenate(curves(down))) / (2 * step[k]))
    information = np.array(rows) / np.concatenate(curves(found.x)) @ np.array(rows).T
    errors = np.sqrt(np.diag(np.linalg.inv(information)))
    for name, value, error in zip(names, found.x, errors, strict=True):
        assert joint.value(name) == pytest.approx(value, abs=1e-3 * error)
        assert joint.error(name) == pytest.approx(error, rel=1e-3)
    assert joint.deviance == pytest.approx(found.fun, rel=1e-8)


def pulls_of(models, ties, runs, name, noise=None):
    found = []
    for seed in range(runs):
        joint = fit_joint(parts_of(models, seed), ties)
        assert joint.success
        truth = models["c/r1"].params["p3.area"].value
        found.append(((joint.value(name) - truth), joint.error(name)))
    return np.array(found)


def check_pulls(found, runs):
    pulls = found[:, 0] / found[:, 1]
    assert abs(np.mean(pulls)) < 4 / np.sqrt(runs)
    assert np.std(pulls) == pytest.approx(1.0, abs=4 / np.sqrt(2 * runs))
    inside = np.mean(np.abs(pulls) < 1)
    assert inside == pytest.approx(0.6827, abs=4 * np.sqrt(0.6827 * 0.3173 / runs))
    return inside


@pytest.mark.parametrize("runs", [40, pytest.param(1500, marks=pytest.mark.full)])
def test_pulls_coverage_and_gain_of_tied_carbonate(runs, measured):
    models = carbonate(150.0)
    found = pulls_of(models, TIES, runs, "c/r1/p3.area")
    inside = check_pulls(found, runs)
    alone = [fit(p.spectrum, p.model) for seed in range(8) for p in parts_of(models, seed) if p.key == "c/r1"]
    gain = np.mean([r.error("p3.area") for r in alone]) / np.mean(found[:, 1])
    measured("joint fit, coverage of 68.3 % intervals of a tied area", 100 * inside, "%", ">= 60")
    measured("joint fit, error of a weak carbonate alone over tied", gain, "", ">= 3")
    assert gain > 3


def test_a_tie_with_a_tolerance_leaves_room_within_it():
    models = carbonate()
    ties = TIES | {"o/r1/p1.position": f"{{c/r1/p3.position}} + {O_ABOVE_C + 0.3} +- 0.2"}
    joint = fit_joint(parts_of(models, 4), ties)
    gap = joint.value("o/r1/p1.position") - joint.value("c/r1/p3.position")
    assert gap == pytest.approx(O_ABOVE_C + 0.1, abs=1e-9)
    assert "p1.position" in joint.results["o/r1"].at_bound
    assert joint.status == "at bound"
    assert "on a bound" in joint.message
    assert joint.results["c/r1"].status == "converged"


def test_regions_of_unknown_noise_are_weighted_by_their_own_scatter():
    """A common area in a quiet and a ten times noisier region: the estimate and error are those of known noise."""
    one = region(284.0, 295.0, 50.0, peak("p1", 289.5, 600.0), name="quiet")
    two = region(526.0, 537.0, 80.0, peak("p1", 531.6, 600.0), name="noisy")
    ties = {"b/r/p1.area": "{a/r/p1.area}"}
    rng = np.random.default_rng(5)
    for _ in range(5):
        quiet, noisy = measured_once(one, rng, Noise(), 3.0), measured_once(two, rng, Noise(), 30.0)
        guessed = fit_joint([Part("a/r", quiet, one), Part("b/r", noisy, two)], ties)
        told = fit_joint([Part("a/r", quiet.with_(noise=Noise("gaussian", read_noise=3.0)), one),
                          Part("b/r", noisy.with_(noise=Noise("gaussian", read_noise=30.0)), two)], ties)
        area = "a/r/p1.area"
        assert guessed.value(area) == pytest.approx(told.value(area), abs=0.3 * told.error(area))
        assert guessed.error(area) == pytest.approx(told.error(area), rel=0.25)
        assert guessed.results["b/r"].scale == pytest.approx(900.0, rel=0.5)


def test_links_inside_a_region_go_on_holding():
    models = carbonate()
    c = models["c/r1"]
    models["c/r1"] = c.with_component(peak("p2", 286.4, 1200.0, fwhm="p1.fwhm"))
    joint = fit_joint(parts_of(models, 6), {**TIES, "o/r1/p2.fwhm": "p1.fwhm * 1.0 + 0 * {c/r1/p1.fwhm}"})
    c, o = joint.results["c/r1"], joint.results["o/r1"]
    assert c.value("p2.fwhm") == c.value("p1.fwhm")
    assert o.value("p2.fwhm") == pytest.approx(o.value("p1.fwhm"))


def test_covariance_is_worked_out_again_from_the_results():
    models = carbonate()
    parts = parts_of(models, 8)
    joint = fit_joint(parts, TIES)
    again = covariance_at(parts, TIES, joint.results)
    known = np.isfinite(joint.covariance)
    assert np.allclose(again[known], joint.covariance[known], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("ties", "words"), [
    ({"o/r1/p1.area": "{c/r1/p9.area} * 2"}, "p9.area, which does not exist"),
    ({"o/r1/p7.area": "{c/r1/p3.area} * 2"}, "p7.area, which does not exist"),
    ({"o/r1/p1.area": "{s/r1/p3.area}"}, "not fitted with it"),
    ({"o/r1/p1.area": "{c/r1/p3.area}", "c/r1/p3.area": "{o/r1/p1.area}"}, "circle"),
    ({"o/r1/p1.area": "{o/r1/p1.area} * 2"}, "cannot follow itself"),
    ({"o/r1/p1.area": "{c/r1/p3.area} +"}, "not a formula"),
    ({"o/r1/p1.area": "{c/r1/p3.area"}, "brace is open"),
    ({"o/r1/p1.area": "{p3.area}"}, "named entry/region"),
    ({"o/r1/p1.area": "5"}, "must name"),
    ({"o/r1/p1.area": "{c/r1/p3.area} * p9.area"}, "does not exist"),
    ({"o/r1/p1.area": "__import__({c/r1/p3.area})"}, "not understood"),
])
def test_bad_ties_are_refused_with_the_reason(ties, words):
    with pytest.raises(BadModel, match=words.replace(".", r"\.")):
        fit_joint(parts_of(carbonate(), 0), ties)


def test_a_circle_names_the_parameters():
    ties = {"o/r1/p1.area": "{c/r1/p3.area}", "c/r1/p3.area": "{o/r1/p1.area}"}
    with pytest.raises(BadModel) as caught:
        fit_joint(parts_of(carbonate(), 0), ties)
    assert "c/r1/p3.area" in str(caught.value)
    assert "o/r1/p1.area" in str(caught.value)


def test_nothing_to_fit_and_cancel():
    with pytest.raises(FitFailed):
        fit_joint([], {})
    joint = fit_joint(parts_of(carbonate(), 0), TIES, cancel=lambda: True)
    assert joint.status == "cancelled"
    assert not joint.success


def test_a_background_parameter_can_be_tied():
    models = carbonate()
    ties = {"o/r1/background.level": "{c/r1/background.level} * 1.6667"}
    joint = fit_joint(parts_of(models, 9), ties)
    assert joint.value("o/r1/background.level") == pytest.approx(1.6667 * joint.value("c/r1/background.level"))


def test_a_wild_start_finds_the_minimum():
    models = carbonate()
    parts = parts_of(models, 10)
    good = fit_joint(parts, TIES)
    wild = [Part(p.key, p.spectrum, guess.change_background(p.spectrum, p.model.with_values({"p1.area": 1.0}),
                                                            "constant")) for p in parts]
    assert fit_joint(wild, TIES).deviance == pytest.approx(good.deviance, rel=1e-6)
