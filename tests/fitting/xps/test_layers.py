"""Thickness of overlayers, order in depth, layered structures."""

import math

import numpy as np
import pytest

from fitting.xps.layers import (
    PairRatio,
    StackLayer,
    bulk_ratio,
    fit_stack,
    joint_thickness,
    relative_depth,
    signal_ratio,
    stack_intensities,
    thickness,
    tougaard_thickness,
)
from libraries.attenuation import imfp_tpp2m, material
from libraries.errors import BadData, NotDetermined


def _pair(depth, err=0.02, a=30.0, b=36.0, angle=0.0, pure=1.7):
    bare = PairRatio(1.0, 0.0, pure, a, b, angle)
    ratio = pure * float(signal_ratio(depth, bare))
    return PairRatio(ratio, err * ratio, pure, a, b, angle)


@pytest.mark.parametrize("angle", [0.0, 35.0, 60.0])
@pytest.mark.parametrize("ratio", [0.01, 0.5, 3.0, 40.0])
def test_equal_energies_are_hills_closed_form(angle, ratio):
    # J. M. Hill et al., Chem. Phys. Lett. 44, 225 (1976): d = lambda cos(theta) ln(1 + R/R_inf)
    found = thickness(PairRatio(ratio, 0.01 * ratio, 1.3, 25.0, 25.0, angle))
    expected = 25.0 * math.cos(math.radians(angle)) * math.log1p(ratio / 1.3)
    assert found.thickness == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("depth", [0.05, 1.0, 12.0, 60.0])
@pytest.mark.parametrize(("a", "b"), [(12.0, 36.0), (36.0, 12.0), (30.0, 31.0)])
def test_unequal_energies_are_solved(depth, a, b):
    found = thickness(_pair(depth, a=a, b=b, angle=20.0))
    assert found.thickness == pytest.approx(depth, rel=1e-9)
    # error by differences of the independent equation
    pair = _pair(depth, a=a, b=b, angle=20.0)
    up = thickness(PairRatio(pair.ratio * (1 + 1e-6), pair.ratio_err, pair.pure, a, b, 20.0)).thickness
    assert found.error == pytest.approx((up - found.thickness) / 1e-6 * 0.02, rel=1e-4)
    assert found.low < depth < found.high


def test_an_overlayer_that_is_not_seen_gives_an_upper_limit():
    found = thickness(PairRatio(0.01, 0.02, 1.0, 30.0, 30.0))
    assert not found.determined
    assert found.low == 0.0
    assert found.high == pytest.approx(30.0 * math.log1p(0.01 + 1.959964 * 0.02), rel=1e-9)
    assert "not seen" in found.warnings[0]


def test_thick_layers_and_steep_angles_are_told():
    assert "lower limit" in " ".join(thickness(_pair(200.0)).warnings)
    assert not thickness(_pair(200.0)).determined
    assert "elastic" in " ".join(thickness(_pair(5.0, angle=70.0)).warnings)


def test_bulk_ratio_is_that_of_densities_and_lambda():
    # Na2CO3 on graphite, Na 1s at 415 eV and C 1s at 1202 eV (Al Ka): by hand from density, molar mass and TPP-2M
    salt, carbon = material("Na2CO3"), material("graphite")
    expected = (salt.density * 2 / salt.molar_mass * imfp_tpp2m(415.0, salt)) / (
        carbon.density * 1 / carbon.molar_mass * imfp_tpp2m(1202.0, carbon)
    )
    assert bulk_ratio(("Na2CO3", "Na", 415.0), ("graphite", "C", 1202.0)) == pytest.approx(expected, rel=1e-12)
    with pytest.raises(BadData, match="holds no Na"):
        bulk_ratio(("graphite", "Na", 415.0), ("graphite", "C", 1202.0))


def test_joint_thickness_covers_and_is_unbiased(measured):
    rng = np.random.default_rng(3)
    pulls = []
    for _ in range(400):
        pairs = []
        for angle in (0.0, 30.0, 50.0):
            true = _pair(14.0, err=0.08, angle=angle)
            drawn = true.ratio * (1 + 0.08 * rng.standard_normal())
            pairs.append(PairRatio(drawn, 0.08 * drawn, true.pure, 30.0, 36.0, angle))
        found = joint_thickness(pairs)
        # the enlargement by sqrt(chi2/dof) is taken off again: the drawn errors are the true ones
        pulls.append((found.thickness - 14.0) / (found.error / math.sqrt(max(1.0, found.chi2 / found.dof))))
    measured("overlayer thickness, mean pull of 400 joint fits", abs(float(np.mean(pulls))), "", "<= 0.2")
    assert abs(np.mean(pulls)) < 0.2
    assert 0.85 < np.std(pulls) < 1.15


def test_joint_thickness_tells_contradictions():
    found = joint_thickness([_pair(10.0), _pair(20.0, angle=40.0)])
    assert found.chi2 > 10
    assert "contradict" in " ".join(found.warnings)
    with pytest.raises(NotDetermined):
        joint_thickness([PairRatio(0.0, 1.0, 1.0, 30.0, 30.0)])


def test_several_energies_give_one_thickness():
    lines = [(12.0, 14.0), (25.0, 28.0), (60.0, 64.0)]
    found = joint_thickness([_pair(11.0, a=a, b=b) for a, b in lines])
    assert found.thickness == pytest.approx(11.0, rel=1e-8)
    assert found.each == pytest.approx((11.0,) * 3)
    assert found.error < min(thickness(_pair(11.0, a=a, b=b)).error for a, b in lines)


def test_tougaard_thickness_signs():
    assert tougaard_thickness(1433.0, 2866.0, 30.0, 60.0) == pytest.approx(15.0)
    assert tougaard_thickness(5732.0, 2866.0, 30.0) == pytest.approx(-60.0)
    assert tougaard_thickness(2866.0, 2866.0, 30.0) == math.inf


def test_relative_depth_puts_layers_in_order():
    layers = [StackLayer("Na2CO3", ("top",)), StackLayer("NaF", ("mid",)), StackLayer("graphite", ("low",))]
    imfps = np.array([[float(imfp_tpp2m(e, layer.material)) for e in (960.0, 800.0, 1200.0)] for layer in layers])
    curve = stack_intensities((10.0, 12.0), np.ones(3), (0, 1, 2), imfps, (60.0, 0.0))
    names = ("top", "mid", "low")
    grazing, normal = ({n: (v, 0.01 * v) for n, v in zip(names, row, strict=True)} for row in curve)
    found = relative_depth(grazing, normal, (60.0, 0.0))
    assert found.names == names
    assert found.together == ()
    vague = relative_depth({n: (v, 2.0 * v) for n, (v, _) in grazing.items()}, normal, (60.0, 0.0))
    assert vague.together == (("top", "mid"), ("mid", "low"))
    with pytest.raises(NotDetermined, match="different"):
        relative_depth(grazing, normal, (0.0, 0.0))


LAYERS = (
    StackLayer("Na2CO3", ("C carbonate", "O carbonate")),
    StackLayer("NaF", ("F", "Na")),
    StackLayer("graphite", ("C sp2",)),
)
NAMES = ("C carbonate", "O carbonate", "F", "Na", "C sp2")
ENERGIES = (1197.0, 955.0, 802.0, 415.0, 1202.0)
ANGLES = (0.0, 15.0, 30.0, 45.0, 60.0)
DEPTHS = (8.0, 15.0)
AMOUNTS = np.array([0.25, 0.75, 0.5, 0.5, 1.3])


def _stack_data(relative, seed):
    imfps = np.array([[float(imfp_tpp2m(e, layer.material)) for e in ENERGIES] for layer in LAYERS])
    truth = stack_intensities(DEPTHS, AMOUNTS, (0, 0, 1, 1, 2), imfps, ANGLES)
    truth *= np.linspace(1.0, 2.2, len(ANGLES))[:, None]
    sigma = relative * truth
    return truth + sigma * np.random.default_rng(seed).standard_normal(truth.shape), sigma


def test_a_layered_structure_is_found_with_honest_errors(measured):
    pulls = []
    for seed in range(40):
        data, sigma = _stack_data(0.01, seed)
        found = fit_stack(LAYERS, NAMES, ENERGIES, ANGLES, data, sigma)
        scale = math.sqrt(max(1.0, found.chi2 / found.dof))
        pulls += [
            (math.log(d) - math.log(t)) / (e / d / scale)
            for d, t, e in zip(found.thickness, DEPTHS, found.error, strict=True)
        ]
        assert found.amounts["O carbonate"][0] == pytest.approx(0.75, abs=6 * found.amounts["O carbonate"][1])
    measured("layered structure, spread of 80 pulls of thickness", float(np.std(pulls)), "", "0.8 to 1.25")
    assert 0.8 < np.std(pulls) < 1.25
    assert abs(np.mean(pulls)) < 0.35


def test_a_structure_without_enough_angles_is_refused():
    data, sigma = _stack_data(0.01, 0)
    with pytest.raises(NotDetermined, match="do not determine"):
        fit_stack(LAYERS, NAMES, ENERGIES, ANGLES[:1], data[:1], sigma[:1])


def test_a_layer_that_is_not_there_is_not_determined():
    data, sigma = _stack_data(0.3, 5)
    found = fit_stack(LAYERS, NAMES, ENERGIES, ANGLES[:3], data[:3], sigma[:3])
    assert not all(found.determined)
    assert "not determined" in " ".join(found.warnings)


@pytest.mark.parametrize(
    ("layers", "match"),
    [
        (LAYERS[:1], "needs a layer and a substrate"),
        ((LAYERS[0], LAYERS[0], LAYERS[2]), "exactly one layer, not in"),
        ((*LAYERS, StackLayer("SiO2", ())), "holds no species"),
    ],
)
def test_wrong_structures_are_refused(layers, match):
    data, sigma = _stack_data(0.01, 0)
    with pytest.raises(BadData, match=match):
        fit_stack(layers, NAMES, ENERGIES, ANGLES, data, sigma)
