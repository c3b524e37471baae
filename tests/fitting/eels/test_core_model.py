"""Joint core-loss model: exact on its own model, unbiased with honest errors, and what another truth does to it."""

import numpy as np
import pytest

from fitting.dataset import Noise
from fitting.eels.core_edges import edge_curve, response_of
from fitting.eels.core_image import nonnegative
from fitting.eels.core_model import EdgeTerm, fit_core, with_shapes
from fitting.eels.onsets import find_onset
from libraries.edges import edge
from libraries.errors import BadData, NotDetermined
from tests.fitting.eels.core_made import BEAM, CORE, background, edge_counts, low_loss, low_spectrum, structure

ATOMS = {"B K": 60.0, "N K": 45.0}
LOW = low_loss()


@pytest.fixture(scope="module")
def parts():
    """Unit edges, made once."""
    return {name: edge_counts(name, 1.0, LOW) for name in ATOMS}


def terms(fine="none", width=40.0):
    return [EdgeTerm(edge_curve(edge(name), BEAM, 600.0), edge(name).energy, fine, width) for name in ATOMS]


def truth(parts, level=3e4, atoms=ATOMS):
    return background(level) + sum(number * parts[name] for name, number in atoms.items())


RESPONSE = response_of(low_spectrum(LOW), 0.5, 1.0)


@pytest.mark.parametrize("fine", ["none", "free", "conserved"])
def test_recovers_its_own_model_without_noise(parts, fine):
    found = fit_core(CORE, truth(parts), terms(fine), response=RESPONSE)
    # The double sum of the truth averages channels over 8 points, the model over 4: 1e-3 at the step of an onset.
    for one in found.edges:
        assert one.amount == pytest.approx(ATOMS[one.name], rel=3e-3)
        assert one.seen
    assert found.exponent == pytest.approx(3.0, abs=3e-3)
    assert np.max(np.abs(found.model / truth(parts) - 1)) < 3e-3


def test_kept_integral_is_kept():
    counts = background(3e4) + edge_counts("B K", 60.0, LOW, structure) + edge_counts("N K", 45.0, LOW, structure)
    found = fit_core(CORE, counts, terms("conserved"), response=RESPONSE)
    for one, term in zip(found.edges, terms("conserved"), strict=True):
        shape = one.structure
        above = np.linspace(0, term.width, 4000)
        weight = term.curve.at(above)
        kept = np.trapezoid(weight * np.interp(above, shape[:, 0], shape[:, 1]), above) / np.trapezoid(weight, above)
        assert kept == pytest.approx(1.0, abs=2e-3)


def _pulls(parts, level, fine, runs, seed, noise=None):
    generator = np.random.default_rng(seed)
    expected = truth(parts, level, {name: number * level / 3e4 for name, number in ATOMS.items()})
    rows = []
    for _ in range(runs):
        found = fit_core(CORE, generator.poisson(expected).astype(float), terms(fine), response=RESPONSE,
                         noise=noise or Noise("poisson", 1.0), exponent=3.0)
        rows.append([(one.amount - ATOMS[one.name] * level / 3e4) / error
                     for one, error in zip(found.edges, found.errors, strict=True)])
    return np.array(rows)


@pytest.mark.parametrize(("level", "fine"), [(3e4, "none"), (3e4, "free"), (30.0, "none"), (300.0, "free")])
def test_pulls_short(parts, level, fine):
    runs = 15 if fine == "free" else 40
    pulls = _pulls(parts, level, fine, runs, 5)
    assert np.all(np.abs(pulls.mean(axis=0)) < 4.0 / np.sqrt(runs))
    assert np.all(np.abs(pulls.std(axis=0) - 1) < 3.0 / np.sqrt(2 * runs) + 0.1)


@pytest.mark.full
@pytest.mark.parametrize(("level", "fine"), [(3e4, "none"), (3e4, "free"), (30.0, "none"), (300.0, "free")])
def test_pulls(parts, level, fine, measured):
    runs = 400
    pulls = _pulls(parts, level, fine, runs, 6)
    inside = float(np.mean(np.abs(pulls) < 1.96))
    measured(f"core-loss amounts, {level:g} counts, fine structure {fine}: mean pull",
             float(np.max(np.abs(pulls.mean(axis=0)))), "", "<= 0.2")
    measured(f"core-loss amounts, {level:g} counts, fine structure {fine}: inside 1.96 errors", inside, "",
             ">= 0.93")
    assert np.max(np.abs(pulls.mean(axis=0))) < 0.2
    assert 0.93 <= inside <= 0.97


def test_few_counts_do_not_lower_an_edge(parts, measured):
    """Weights 1/counts would: the amounts of 60 spectra with about 5 counts a channel have the right mean."""
    generator = np.random.default_rng(3)
    expected = truth(parts, 10.0, {name: number / 3e3 for name, number in ATOMS.items()})
    found = [fit_core(CORE, generator.poisson(expected).astype(float), terms(), response=RESPONSE,
                      noise=Noise("poisson", 1.0), exponent=3.0).amounts for _ in range(60)]
    wanted = np.array(list(ATOMS.values())) / 3e3
    bias = np.mean(found, axis=0) / wanted - 1
    error = np.std(found, axis=0) / np.sqrt(60) / wanted
    measured("bias of an edge at 5 counts a channel", float(100 * bias[0]), "%", "within 3 standard errors")
    assert np.all(np.abs(bias) < 3 * error)


def test_unknown_gain_and_correlation_come_from_the_residuals(parts):
    generator = np.random.default_rng(8)
    expected = truth(parts)
    noise = generator.normal(size=CORE.size + 2)
    kernel = np.array([0.5, 1.0, 0.5]) / np.sqrt(1.5)
    counts = expected + np.sqrt(2.9 * expected) * np.convolve(noise, kernel, mode="valid")
    found = fit_core(CORE, counts, terms(), response=RESPONSE)
    assert found.gain == pytest.approx(2.9, rel=0.2)
    # (1 + 2 (2/3 + 1/6)) = 2.67 for this moving average.
    assert found.correlation == pytest.approx(2.67, rel=0.25)
    assert np.isnan(found.chi2)


def test_fixed_shapes_give_the_same_amounts(parts):
    counts = background(3e4) + edge_counts("B K", 60.0, LOW, structure) + edge_counts("N K", 45.0, LOW, structure)
    found = fit_core(CORE, counts, terms("free"), response=RESPONSE)
    again = fit_core(CORE, counts, with_shapes(terms("free"), found), response=RESPONSE)
    assert again.amounts == pytest.approx(found.amounts, rel=2e-3)


@pytest.mark.parametrize(("what", "limit"), [("fine structure", 3.0), ("two power laws", 5.0)])
def test_bias_of_another_truth(parts, what, limit, measured):
    """What a truth outside the model does to the ratio, in per cent."""
    if what == "fine structure":
        counts = background(3e4) + edge_counts("B K", 60.0, LOW, structure) + edge_counts("N K", 45.0, LOW, structure)
    else:
        counts = 0.5 * background(3e4, 2.7) + 0.5 * background(3e4, 3.3) + sum(
            number * parts[name] for name, number in ATOMS.items())
    found = fit_core(CORE, counts, terms("free"), response=RESPONSE)
    bias = 100 * (found.ratio("B K", "N K")[0] / (60.0 / 45.0) - 1)
    measured(f"bias of B/N when the truth has {what} outside the model", abs(bias), "%", f"<= {limit:g}")
    assert abs(bias) < limit


def test_no_edge_gives_a_limit(parts):
    generator = np.random.default_rng(4)
    counts = generator.poisson(truth(parts, 3e3, {"B K": 6.0, "N K": 0.0})).astype(float)
    found = fit_core(CORE, counts, terms(), response=RESPONSE, noise=Noise("poisson", 1.0))
    assert found.edges[0].seen
    assert found.edges[1].amount < 3 * found.errors[1]
    assert found.errors[1] > 0


def test_refuses(parts):
    curve = edge_curve(edge("F K"), BEAM, 100.0)
    with pytest.raises(BadData, match="outside the fitted range"):
        fit_core(CORE, truth(parts), [EdgeTerm(curve, 685.0, "none")])
    with pytest.raises(BadData, match="twice"):
        fit_core(CORE, truth(parts), [*terms(), terms()[0]])
    with pytest.raises(BadData, match="no counts"):
        fit_core(CORE, np.zeros(CORE.size), terms())
    with pytest.raises(BadData, match="fewer than 20"):
        fit_core(CORE[:10], truth(parts)[:10], terms())


def test_onset_is_found_where_it_is(measured):
    generator = np.random.default_rng(9)
    off = []
    for shift in np.linspace(-5.0, 5.0, 9):
        onset = 188.0 + shift
        counts = generator.poisson(background(3e4) + edge_counts("B K", 60.0, LOW, structure, onset)).astype(float)
        found = find_onset(CORE, counts, 188.0)
        off.append(found.half - onset)
        assert found.error < 1.0
    measured("onset found in the data minus truth, spread", float(np.std(off)), "eV", "<= 0.3")
    assert np.std(off) < 0.3
    assert abs(np.mean(off)) < 1.5  # half the way up lies in the rise, a resolution above the onset


def test_no_onset_where_nothing_rises():
    counts = np.random.default_rng(2).poisson(background(3e4)).astype(float)
    with pytest.raises(NotDetermined, match="Nothing rises"):
        find_onset(CORE, counts, 300.0)
    with pytest.raises(NotDetermined, match="Another edge"):
        find_onset(CORE, counts, 300.0, others=(295.0,))


def test_nonnegative_is_scipys():
    from scipy.optimize import nnls

    generator = np.random.default_rng(1)
    for k in (1, 2, 4):
        a, b = generator.normal(size=(200, 30, k)), generator.normal(size=(200, 30))
        x, inverse = nonnegative(np.einsum("pni,pnj->pij", a, a), np.einsum("pni,pn->pi", a, b))
        expected = np.array([nnls(one, other)[0] for one, other in zip(a, b, strict=True)])
        assert x == pytest.approx(expected, abs=1e-8)
        free = np.all(x > 0, axis=1)
        assert inverse[free] == pytest.approx(np.linalg.inv(np.einsum("pni,pnj->pij", a, a))[free], rel=1e-6)
        assert np.all(np.einsum("pii->pi", inverse) > 0)

