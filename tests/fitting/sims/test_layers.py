"""Layers of simulated profiles with known thickness: order, thickness, errors, what is refused."""

import math

import numpy as np
import pytest

from fitting.sims.depth import depth_scale
from fitting.sims.layer_parts import parts_of
from fitting.sims.layers import layers_of
from fitting.sims.response import gauss_step, mri_step
from fitting.sims.setup import DepthScale
from libraries.errors import BadData, NotDetermined

THICK = np.array([8.0, 14.0, 25.0, 40.0])
NAMES = ("organic", "oxides", "hydroxide", "salts", "bulk")
YIELD = np.array([300.0, 800.0, 3000.0, 2000.0, 5000.0])
Z = np.arange(0.5, 160.0, 0.8)
# step function, its lengths, roughness as a share of the depth
RESPONSES = {"rough": (gauss_step, (), 1.5, 0.0), "mixed": (mri_step, (2.0, 0.3), 1.0, 0.03)}


def shares(response="mixed", thick=THICK, z=Z):
    step, lengths, sigma, rough = RESPONSES[response]
    below = [step(z - edge, *lengths, math.hypot(sigma, rough * edge)) for edge in np.cumsum(thick)]
    stack = np.array([np.ones_like(z), *below, np.zeros_like(z)])
    return np.maximum(stack[:-1] - stack[1:], 0.0).T


@pytest.mark.parametrize("response", RESPONSES)
def test_order_and_thickness_within_five_percent(response, measured):
    rng = np.random.default_rng(3)
    found = layers_of(Z, rng.poisson(shares(response) * YIELD), NAMES)
    assert tuple(row.name for row in found.rows) == NAMES
    worst = max(abs(row.thickness / truth - 1) for row, truth in zip(found.rows[:-1], THICK, strict=True))
    measured(f"Layers of a simulated profile ({response}): worst error of a thickness", 100 * worst, "%", "<= 5")
    assert worst <= 0.05
    assert all(row.below > 0.99 for row in found.rows[1:])
    assert math.isnan(found.rows[-1].thickness)
    assert "end of the profile" in found.rows[-1].remarks[0]


def test_the_order_does_not_depend_on_that_of_the_traces():
    rng = np.random.default_rng(4)
    y = rng.poisson(shares() * YIELD)
    turned = [3, 0, 4, 2, 1]
    found = layers_of(Z, y[:, turned], tuple(NAMES[i] for i in turned))
    assert tuple(row.name for row in found.rows) == NAMES
    assert [turned[row.trace] for row in found.rows] == [0, 1, 2, 3, 4]
    plain = layers_of(Z, y, NAMES)
    assert [row.thickness for row in found.rows[:-1]] == pytest.approx([row.thickness for row in plain.rows[:-1]])


def test_yields_do_not_matter():
    """Relative yields of a thousand: the closure takes them out."""
    found = layers_of(Z, shares("rough") * np.array([1e5, 1e2, 1e4, 1e3, 1e5]), NAMES)
    assert [row.thickness for row in found.rows[:-1]] == pytest.approx(THICK, rel=0.01)


@pytest.mark.parametrize("repeats", [25, pytest.param(300, marks=pytest.mark.full)])
def test_errors_of_thickness_cover_the_truth(repeats, measured):
    rng = np.random.default_rng(5)
    truth, pulls = shares("rough"), []
    for seed in range(repeats):
        found = layers_of(Z, rng.poisson(truth * YIELD / 10), NAMES, seed=seed, draws=60)
        pulls.append([(row.thickness - t) / row.error for row, t in zip(found.rows[:-1], THICK, strict=True)])
    scatter = float(np.std(pulls))
    measured("Layers, pulls of thicknesses: scatter", scatter, "", "0.5 to 1.3")
    # The difference from the amount is in the error too, so that pulls may scatter less than 1.
    assert 0.5 < scatter < 1.3
    assert abs(np.mean(pulls)) < 0.5


def test_a_thin_layer_below_the_resolution():
    """2 nm between two phases, blurred by 3 nm: never the main phase, and still as thick as it is."""
    thick = np.array([20.0, 2.0])
    y = shares("rough", thick)  # sigma 1.5
    step = [gauss_step(Z - edge, 3.0) for edge in np.cumsum(thick)]
    y = np.array([1 - step[0], step[0] - step[1], step[1]]).T
    found = layers_of(Z, np.random.default_rng(2).poisson(y * 20000), ("a", "b", "c"))
    assert found.rows[1].name == "b"
    assert found.rows[1].thickness == pytest.approx(2.0, abs=4 * found.rows[1].error)
    assert found.rows[1].share < 0.5
    assert any("nowhere the main phase" in remark for remark in found.rows[1].remarks)


def test_matrix_effects_show_in_the_misfit_and_the_errors(measured):
    """Yields that double in the neighbour below: boundaries move, and the errors must hold it."""
    rng = np.random.default_rng(7)
    x = shares("rough")
    changed = rng.poisson(x * YIELD * (1 + np.roll(x, -1, axis=1)))
    found = layers_of(Z, changed, NAMES)
    plain = layers_of(Z, rng.poisson(x * YIELD), NAMES)
    assert plain.misfit < 0.01 < 0.03 < found.misfit
    worst = max(abs(row.thickness - t) for row, t in zip(found.rows[:-1], THICK, strict=True))
    measured("Layers from ions whose yield doubles in the next phase: worst shift of a thickness", worst, "nm", "<= 1")
    assert worst <= 1.0
    for row, truth in zip(found.rows[:-1], THICK, strict=True):
        assert abs(row.thickness - truth) < 3 * row.error


def test_alternatives_widen_the_errors():
    y = shares("rough") * 3000
    mixed = y.copy()
    mixed[:, 1] += 0.2 * y[:, 2]
    mixed[:, 2] *= 0.8
    plain, wide = layers_of(Z, y, NAMES), layers_of(Z, y, NAMES, alternatives=(mixed,))
    assert wide.rows[1].error > 3 * plain.rows[1].error
    assert wide.rows[1].thickness == plain.rows[1].thickness


def test_errors_of_the_depth_scale_are_those_of_differences():
    time = Z / 0.1
    scale = depth_scale(time, DepthScale("rate", rate=0.1, rate_error=0.01))
    y = shares("rough") * YIELD
    without, found = layers_of(scale.depth, y, NAMES), layers_of(scale.depth, y, NAMES, scale=scale)
    for row, plain, truth in zip(found.rows[:-1], without.rows[:-1], THICK, strict=True):
        assert row.error == pytest.approx(math.hypot(plain.error, 0.1 * truth), rel=0.02)


def test_the_last_layer_has_the_error_of_the_scale_too():
    counts = np.random.default_rng(1).poisson(3000.0 * shares()).astype(float)
    scale = depth_scale(Z, DepthScale("rate", rate=1.0, rate_error=0.05))
    found = layers_of(scale.depth, counts, NAMES, scale=scale).rows
    last, before = found[-1], found[-2]
    assert last.top_error == pytest.approx(before.bottom_error)
    assert last.top_error >= 0.05 * last.top
    assert last.amount_error >= 0.05 * (scale.depth[-1] - last.top) * 0.99


def test_the_same_numbers_every_time():
    y = np.random.default_rng(1).poisson(shares() * YIELD)
    one, two = layers_of(Z, y, NAMES, draws=20), layers_of(Z, y, NAMES, draws=20)
    assert [row.error for row in one.rows[:-1]] == [row.error for row in two.rows[:-1]]


def test_what_makes_no_sense_is_refused():
    y = shares() * YIELD
    with pytest.raises(BadData, match="two traces"):
        layers_of(Z, y[:, :1], ("a",))
    with pytest.raises(BadData):
        layers_of(Z, y, NAMES[:3])
    with pytest.raises(BadData):
        layers_of(Z[::-1], y, NAMES)
    with pytest.raises(BadData):
        layers_of(Z, y - 1000, NAMES)
    with pytest.raises(BadData, match="no counts"):
        layers_of(Z, y * [1, 0, 1, 1, 1], NAMES)
    with pytest.raises(BadData):
        layers_of(Z, y, NAMES, errors=-y)
    with pytest.raises(NotDetermined, match="layer of its own"):
        # The second trace is there everywhere: no scale makes it part of a sum of one.
        layers_of(Z, np.column_stack([y[:, 0] + 1, np.full(Z.size, 50.0) * (1 + Z), y[:, 4] + 300]), ("a", "b", "c"))
    gap = y.copy()
    gap[40] = 0
    with pytest.raises(NotDetermined, match="point"):
        layers_of(Z, gap, NAMES)


def returning(response, thick, counts, rng=None):
    """A B A C with those thicknesses of A, B, A; yields 1 : 3 : 0.5."""
    y = shares(response, np.array(thick), np.arange(0.5, 120.0, 0.8))
    y = np.column_stack([y[:, 0] + y[:, 2], y[:, 1], y[:, 3]]) * counts * np.array([1.0, 3.0, 0.5])
    return np.arange(0.5, 120.0, 0.8), y if rng is None else rng.poisson(y).astype(float)


@pytest.mark.parametrize("response", RESPONSES)
@pytest.mark.parametrize("thick", [(20, 15, 25), (10, 6, 12), (20, 10, 8)])
@pytest.mark.parametrize("repeats", [4, pytest.param(50, marks=pytest.mark.full)])
def test_a_phase_that_comes_back_is_two_layers(response, thick, repeats, measured):
    """A B A C: each of the four as thick as it is, with an error that holds it, at few and at many counts."""
    pulls, off = [], []
    for seed in range(repeats):
        z, y = returning(response, thick, (30, 3000)[seed % 2], np.random.default_rng(seed))
        rows = layers_of(z, y, ("A", "B", "C"), draws=25, seed=seed).rows
        assert [row.name for row in rows] == ["A (1)", "B", "A (2)", "C"]
        assert [row.trace for row in rows] == [0, 1, 0, 2]
        assert all(row.below > 0.99 for row in rows[1:])
        pulls.append([(row.thickness - true) / row.error for row, true in zip(rows[:-1], thick, strict=True)])
        if seed % 2:
            off.append([row.thickness / true - 1 for row, true in zip(rows[:-1], thick, strict=True)])
        assert all(row.remarks[-1] == f"A comes back: the same phase as layer {other}"
                   for row, other in ((rows[0], 3), (rows[2], 1)))
        assert not any("comes back" in text for i in (1, 3) for text in rows[i].remarks)
    worst = 100 * float(np.abs(np.mean(off, axis=0)).max())
    measured(f"A phase that comes back, layers of {thick} nm ({response}): bias of a thickness", worst, "%", "<= 5")
    assert worst <= 5
    size = float(np.sqrt(np.mean(np.square(pulls))))
    measured(f"A phase that comes back, layers of {thick} nm ({response}): pulls", size, "", "<= 1.5")
    assert size <= 1.5


def test_layers_of_a_phase_that_comes_back_are_those_of_two_phases():
    """An independent oracle: the same profile with the two parts of A as phases of their own."""
    z, y = returning("rough", (20, 15, 25), 3000)
    own = shares("rough", np.array([20, 15, 25]), z) * 3000
    one, two = layers_of(z, y, ("A", "B", "C"), draws=20), layers_of(z, own, ("A", "B", "A2", "C"), draws=20)
    assert [row.thickness for row in one.rows[:-1]] == pytest.approx([row.thickness for row in two.rows[:-1]], abs=0.05)
    assert [row.amount for row in one.rows] == pytest.approx([row.amount for row in two.rows], abs=0.05)
    assert one.shares == pytest.approx(two.shares, abs=0.01)


def test_a_share_that_dips_or_is_noisy_stays_one_layer():
    """Dips to 40 % of its largest share, spikes of a point, few counts: no layers are made of those."""
    z = np.arange(0.5, 120.0, 0.8)
    dip = 0.6 * np.exp(-0.5 * ((z - 30.0) / 5.0) ** 2)
    step = gauss_step(z - 60.0, 1.5)
    y = np.column_stack([(1 - step) * (1 - dip), dip * (1 - step), step]) * 2000.0
    assert len(layers_of(z, y, ("A", "B", "C"), draws=2).rows) == 3
    spike = shares("rough") * YIELD
    spike[150, 1] = 3.0 * YIELD[1]
    assert len(layers_of(Z, spike, NAMES, draws=2).rows) == 5
    rng = np.random.default_rng(6)
    for _ in range(10):
        assert len(layers_of(Z, rng.poisson(shares() * YIELD * 0.03) + 0.0, NAMES, draws=2).rows) == 5


@pytest.mark.parametrize(("counts", "even"), [(10, 0.0), (30, 0.0), (0, 0.1), (0, 0.3)])
@pytest.mark.parametrize("points", [400, 1600])
def test_noise_makes_no_parts(counts, even, points):
    """A long shoulder between the two levels, and a slow decay: noise crosses both, and it stays one part."""
    z, rng = np.linspace(0.0, 60.0, points), np.random.default_rng(3)
    level = 1.0 - 0.625 * gauss_step(z - 15.0, 1.5) - 0.375 * gauss_step(z - 45.0, 1.5)
    for share in (level, 1.0 / (1.0 + np.exp((z - 30.0) / 8.0))):
        both = np.column_stack([share, 1.0 - share])
        for _ in range(8):
            if counts:
                found = rng.poisson(both * counts)
                total = np.maximum(found.sum(axis=1, keepdims=True), 1)
                parts = parts_of(found / total, np.sqrt(np.maximum(found, 1)) / total)
            else:
                parts = parts_of(both + even * rng.standard_normal(both.shape), np.full(both.shape, even))
            assert [part.of for part in parts] == [1, 1]


def test_errors_beyond_all_numbers_make_no_parts():
    y = shares()
    assert [part.of for part in parts_of(y, np.full(y.shape, 1e200))] == [1] * 5
    assert [part.of for part in parts_of(y[:4], np.full((4, 5), 1e-3))] == [1] * 5


def test_traces_of_one_course_are_refused_in_words_of_layers():
    y = shares()[:, :3] * 1000.0
    with pytest.raises(BadData, match="same course"):
        layers_of(Z, np.column_stack([y, 2.0 * y[:, 0]]), ("A", "B", "C", "A2"))
