"""White lines: errors that cover, thickness that does not count, refusals, real chromium and manganese."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.files import read
from fitting.dataset import Noise
from fitting.eels.edge_model import response_of
from fitting.eels.fine_setup import FineSetup, default_setup, offered_edges
from fitting.eels.white_line_quantities import POSITIONS, white_line_quantities
from fitting.eels.white_lines import fit_white_lines
from fitting.evaluate import Evaluator
from libraries.errors import BadModel, NotDetermined
from tests.fitting.eels.fine_made import core_loss, low_loss, vanadium

HEIGHT = 4000.0


def setup_for(spectrum, **changes):
    return replace(default_setup("V L2,3", spectrum.x[0], spectrum.x[-1]), **changes)


def fitted(spectrum, low=None, **changes):
    setup = setup_for(spectrum, **changes)
    response, at, error = response_of(low) if low is not None else (None, 0.0, 0.0)
    setup = replace(setup, reference_energy=at, reference_error=error)
    result = fit_white_lines(spectrum, setup, response)
    return white_line_quantities(spectrum, result, setup), result, setup


def values(found, *keys):
    return np.array([found.get(key).value for key in keys])


def test_defaults_know_what_lies_on_the_axis():
    assert "V L2,3" in offered_edges(450, 600)
    assert offered_edges(0, 100) == ()
    assert default_setup("V L2,3", 450, 600).oxygen == "lines"
    assert default_setup("V L2,3", 450, 600).after == (0.0, 0.0)  # O K leaves 8 eV
    manganese = default_setup("Mn L2,3", 400, 760)
    assert manganese.oxygen == "none"
    assert manganese.after[1] - manganese.after[0] > 45
    with pytest.raises(NotDetermined, match="axis runs from"):
        default_setup("V L2,3", 511, 600)
    with pytest.raises(BadModel, match="not treated"):
        FineSetup("Xe L2,3")


@pytest.mark.parametrize("count", [25, pytest.param(300, marks=pytest.mark.full)])
def test_pulls_of_every_quantity(count, measured):
    """Noise realisations of a fitted model: quantities scatter as their errors say, around those of the expectation."""
    low = low_loss(0.4, rng=np.random.default_rng(1))
    mean = core_loss(lambda x: HEIGHT * vanadium(x), 20000.0, "V", low)
    _, result, setup = fitted(mean.with_(counts=np.rint(mean.y)), low, reference="O K")
    evaluator = Evaluator(mean, result.model)
    expected = evaluator.parts(evaluator.values_of(result.model)).envelope
    true_data = mean.window(*result.model.region).with_(counts=expected)
    truth_result = fit_white_lines(true_data, setup, result.model.response, start=result.model)
    truth = white_line_quantities(true_data, truth_result, setup)
    rng, pulls, inside = np.random.default_rng(5), [], []
    keys = [q.key for q in truth.rows if q.known]
    assert {"l3_onset.rel", "l3_maximum", "l3_centroid", "ratio_fit", "ratio_pearson", "white_to_step"} <= set(keys)
    for _ in range(count):
        data = true_data.with_(counts=rng.poisson(expected))
        again = fit_white_lines(data, setup, result.model.response, start=result.model)
        one = white_line_quantities(data, again, setup)
        pull = [(one.get(k).value - truth.get(k).value) / one.get(k).error for k in keys]
        pulls.append(pull)
        inside.append(np.abs(pull) < 1.96)
    table = np.array(pulls)
    spread = np.std(table, axis=0)
    assert np.all(np.abs(np.mean(table, axis=0)) < 4.5 / np.sqrt(count))
    # Parameters on a bound count as free: some errors are up to a fifth too large, none may be too small.
    low_limit, high_limit = 0.8 - 3.3 / np.sqrt(2 * count), 1.0 + 3.3 / np.sqrt(2 * count)
    measured("white lines: least scatter over stated error", float(spread.min()), "", ">= 0.8 within its own error")
    measured("white lines: largest scatter over stated error", float(spread.max()), "", "<= 1 within its own error")
    assert np.all((spread > low_limit) & (spread < high_limit)), dict(zip(keys, spread, strict=True))
    coverage = float(np.mean(inside))
    assert 0.90 < coverage < 0.98
    measured("white lines: 95 % intervals of 18 quantities that cover", coverage, "", "0.90-0.98")


def test_thickness_does_not_count_where_the_low_loss_is_known():
    thin, thick = low_loss(0.15), low_loss(0.9)
    rng = np.random.default_rng(3)
    keys = ("l3_onset", "l3_maximum", "l3_centroid", "ratio_pearson")
    first, second = (fitted(core_loss(lambda x: 20 * HEIGHT * vanadium(x), 2e5, "V", low, rng=rng), low)[0]
                     for low in (thin, thick))
    assert np.all(np.abs(values(first, *keys) - values(second, *keys)) < (0.02, 0.02, 0.03, 0.12))
    bare = fitted(core_loss(lambda x: 20 * HEIGHT * vanadium(x), 2e5, "V", thick, rng=rng))[0]
    assert any("No low loss" in note for note in bare.notes)


def test_positions_follow_a_shift_and_count_from_the_reference():
    low, moved = low_loss(0.4), low_loss(0.4, shift=0.83)
    here = fitted(core_loss(lambda x: 20 * HEIGHT * vanadium(x), 2e5, "V", low), low, reference="zero loss")[0]
    there = fitted(core_loss(lambda x: 20 * HEIGHT * vanadium(x), 2e5, "V", low, shift=0.83), moved,
                   reference="zero loss")[0]
    for key in POSITIONS:
        assert there.get(key).value - here.get(key).value == pytest.approx(0.83, abs=0.01)
        assert there.get(key + ".rel").value == pytest.approx(here.get(key + ".rel").value, abs=0.01)
    oxygen = fitted(core_loss(lambda x: 20 * HEIGHT * vanadium(x), 2e5, "V", low), low, reference="O K")[0]
    assert oxygen.get("oxygen").value == pytest.approx(530.8, abs=0.15)
    # Both lie in one spectrum: their covariance counts.
    relative = oxygen.get("l3_onset.rel").error ** 2
    parts = oxygen.get("l3_onset").error ** 2 + oxygen.get("oxygen").error ** 2
    assert relative == pytest.approx(parts - 2 * oxygen.covariance_of("l3_onset", "oxygen"), rel=1e-2)


def test_the_maximum_of_the_data_is_that_of_the_truth():
    """Against the maximum of the made edge itself, broadened by the resolution alone."""
    low = low_loss(0.3)
    found = fitted(core_loss(lambda x: 50 * HEIGHT * vanadium(x), 5e5, "V", low, rng=np.random.default_rng(2)), low)[0]
    x = np.arange(500.0, 530.0, 0.01)
    kernel = np.exp(-4 * np.log(2) * (np.arange(-3, 3.001, 0.01) / 0.7) ** 2)
    smooth = np.convolve(vanadium(x), kernel / kernel.sum(), mode="same")
    top = x[int(np.argmax(smooth))]
    assert found.get("l3_maximum").value == pytest.approx(top, abs=0.04)
    rise = x[int(np.argmax(smooth > 0.5 * smooth.max()))]
    assert found.get("l3_onset").value == pytest.approx(rise, abs=0.06)


def test_straight_line_is_refused_before_oxygen_and_noise_of_unknown_gain_is_said():
    low = low_loss(0.4)
    spectrum = core_loss(lambda x: HEIGHT * vanadium(x), 2e4, "V", low, rng=np.random.default_rng(4))
    known = fitted(spectrum, low)[0]
    assert not known.get("ratio_walsh").known
    assert "O K begins too soon" in known.get("ratio_walsh").how
    assert known.get("ratio_pearson").known
    counts = 3.0 * spectrum.y  # counts scaled: a gain of 3 that nobody told
    unknown = fitted(spectrum.with_(counts=counts, noise=Noise("poisson", None)), low)[0]
    assert any("not known" in note for note in unknown.notes)
    assert unknown.get("l3_onset").error == pytest.approx(known.get("l3_onset").error, rel=0.35)


def test_nothing_there_is_said():
    flat = core_loss(lambda x: 0.0 * x, 2e4, "nothing", rng=np.random.default_rng(6))
    with pytest.raises(NotDetermined, match="No L2,3 edge stands"):
        fitted(flat)
    late = core_loss(lambda x: HEIGHT * vanadium(x), 2e4, "late").window(512.5, 575)
    with pytest.raises(NotDetermined):
        fitted(late)


@pytest.mark.realdata
def test_chromium_of_the_files(realdata, measured):
    spectrum, low = (read(realdata / "eels" / f"Cr_{kind}_loss.hspy")[0] for kind in ("core", "low"))
    setup = replace(default_setup("Cr L2,3", spectrum.x[0], spectrum.x[-1]), reference="none")
    result = fit_white_lines(spectrum, setup, response_of(low)[0])
    found = white_line_quantities(spectrum, result, setup)
    top = found.get("l3_maximum")
    # The data README: L3 574.9, L2 583.2 eV.
    assert abs(top.value - 574.9) < 0.1
    assert 0 < top.error < 0.1
    assert abs(found.get("splitting").value - 8.4) < 0.4
    assert 1.0 < found.get("ratio_pearson").value < 2.2
    measured("Cr_core_loss.hspy, maximum of L3", top.value, "eV", "574.9 +- 0.1")
    measured("Cr_core_loss.hspy, L3/L2 (double step)", found.get("ratio_pearson").value, "", "")


@pytest.mark.realdata
def test_manganese_of_the_files(realdata, measured):
    spectrum, low = (read(realdata / "eels" / f"Mn_O_{kind}_loss.msa")[0] for kind in ("core", "low"))
    setup = replace(default_setup("Mn L2,3", spectrum.x[0], spectrum.x[-1]), reference="none")
    result = fit_white_lines(spectrum, setup, response_of(low)[0])
    found = white_line_quantities(spectrum, result, setup)
    for key in ("ratio_pearson", "ratio_walsh", "ratio_fit"):
        one = found.get(key)
        # Oxides of manganese lie between 2 and 5 by these methods (Riedl et al., Ultramicroscopy 106, 284 (2006)).
        assert 1.8 < one.value < 5.0
        assert 0 < one.error < 0.4
    assert 9.5 < found.get("splitting").value < 12.0
    measured("Mn_O_core_loss.msa, Mn L3/L2 (double step)", found.get("ratio_pearson").value, "", "")
    measured("Mn_O_core_loss.msa, Mn L3/L2 (straight line)", found.get("ratio_walsh").value, "", "")


@pytest.mark.realdata
def test_titanium_of_the_files(realdata):
    """SrTiO3: the crystal field splits both edges, and the second line of L3 is the higher one."""
    spectrum, low = (read(realdata / "eels" / f"SrTiO3_{kind}_loss.msa")[0] for kind in ("core", "low"))
    setup = replace(default_setup("Ti L2,3", spectrum.x[0], spectrum.x[-1]), reference="none")
    found = white_line_quantities(spectrum, fit_white_lines(spectrum, setup, response_of(low)[0]), setup)
    for key in POSITIONS:
        assert 455.0 < found.get(key).value < 464.0
        assert 0 < found.get(key).error < 0.4
    assert 0.6 < found.get("ratio_pearson").value < 1.3  # Ti4+: L3 is not twice L2


def test_white_lines_over_step_do_not_depend_on_the_channel_width():
    """(L3 + L2)/H is an energy: intensity over a height per channel would halve where channels are twice as wide."""
    low = low_loss(0.3)
    whole = core_loss(lambda x: 20 * HEIGHT * vanadium(x), 2e5, "V", low)
    even = whole.y[: whole.y.size // 2 * 2].reshape(-1, 2)
    x = whole.x[: even.size].reshape(-1, 2).mean(axis=1)
    joined = whole.with_(axis=replace(whole.axis, values=x), counts=even.sum(axis=1))
    fine, coarse = (fitted(one, low)[0].get("white_to_step") for one in (whole, joined))
    assert fine.unit == "eV"
    assert coarse.value == pytest.approx(fine.value, rel=0.1)
