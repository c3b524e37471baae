"""A model placed on another spectrum: offsets found from the data, windows inside them, starts that fit."""

from __future__ import annotations

import numpy as np
import pytest

from fitting.engine import fit
from fitting.placing import best_offset, placed, share_inside
from libraries.errors import BadData, NotDetermined
from tests.app.project import simulated


def parts(charge, seed=5, share=0.3):
    # The truth of the data differs from the template: another share, a third of the intensity.
    return [
        (simulated.spectrum(m, "S", seed + i, charge, margin=12.0), t)
        for i, (m, t) in enumerate(zip(simulated.models(0.3, share), simulated.models(1.0, 0.5), strict=True))
    ]


@pytest.mark.parametrize("charge", [-6.3, -0.4, 0.0, 2.35, 8.1])
def test_common_charge_shift_is_found(charge):
    assert best_offset(parts(charge)) == pytest.approx(charge, abs=0.05)


def test_one_line_alone_is_enough_where_it_is_clear():
    assert best_offset(parts(3.2)[2:]) == pytest.approx(3.2, abs=0.05)


def test_offset_is_not_guessed_from_noise():
    flat = simulated.models(1.0)[2]
    nothing = simulated.spectrum(flat, "S", 3, margin=12.0)
    nothing = nothing.with_(counts=np.random.default_rng(4).poisson(np.full(nothing.x.shape, 900.0)))
    with pytest.raises(NotDetermined):
        best_offset([(nothing, flat)])
    with pytest.raises(NotDetermined):
        best_offset([])


def test_offsets_have_no_bias_and_small_scatter(measured):
    found = np.array([best_offset(parts(1.7, seed)) - 1.7 for seed in range(0, 200, 10)])
    measured("charge shift found before a fit: bias", abs(float(np.mean(found))), "eV", "<= 0.03")
    measured("charge shift found before a fit: largest error", float(np.max(np.abs(found))), "eV", "<= 0.08")
    assert abs(np.mean(found)) < 0.03
    assert np.max(np.abs(found)) < 0.08


def test_start_is_near_the_answer():
    """Areas started on data of a tenth of the intensity and another composition come within a tenth of the truth."""
    truth = simulated.models(0.1, 0.2)[1]
    data = simulated.spectrum(truth, "S", 8)
    start = placed(data, simulated.models(1.0, 0.5)[1]).model
    level = start.background.value("level")
    assert level == pytest.approx(simulated.LEVEL, rel=0.05)
    for id in ("p1", "p2"):
        assert start.component(id).value("area") == pytest.approx(truth.component(id).value("area"), rel=0.35)
    assert sum(c.value("area") for c in start.components) == pytest.approx(800.0, rel=0.1)
    assert fit(data, start).success


def test_bounds_links_and_holds_stay():
    model = simulated.models()[0]
    c = model.component("p2")
    model = model.with_component(c.with_(fwhm=c.param("fwhm").__class__(1.1, link="p1.fwhm")))
    new = placed(simulated.spectrum(model, "S", 2), model, 0.0).model
    assert new.component("p2").param("fwhm").link == "p1.fwhm"
    assert new.component("p1").param("mix").vary is False
    assert new.component("p1").param("position") == model.component("p1").param("position")


def test_window_is_cut_to_the_data_and_said():
    model = simulated.models()[0]
    short = simulated.spectrum(model, "S", 2).window(282.5, 300.0)
    new = placed(short, model)
    assert new.model.region[0] == pytest.approx(282.5, abs=0.06)
    assert "cut" in new.notes[0]
    with pytest.raises(BadData, match=r"holds \d+ % of the window"):
        placed(short, model.moved(-5.0))


def test_share_of_a_window():
    data = simulated.spectrum(simulated.models()[0], "S", 2)
    assert share_inside(data, (283.0, 285.0)) == 1.0
    assert share_inside(data, (270.0, 284.0)) == pytest.approx(7 / 14, abs=0.02)
    assert share_inside(data, (100.0, 110.0)) == 0.0
