"""Backgrounds taken from the data besides line and Shirley: Tougaard, spline, ends, offsets, slopes."""

from __future__ import annotations

import csv
import math
from dataclasses import replace

import numpy as np
import pytest

from fitting.backgrounds import KINDS, LOSS_CLASSES, anchor_levels, spline, static_background, tougaard
from fitting.dataset import Axis, Spectrum
from fitting.evaluate import Evaluator
from fitting.guess import change_background, new_model
from fitting.lineshapes import gl_sum
from fitting.model import Background, FitModel
from libraries.errors import BadModel

X = np.linspace(525.0, 560.0, 351)
PEAKS = gl_sum(X, 5000.0, 531.3, 1.4, 0.0) + gl_sum(X, 2500.0, 533.4, 1.6, 0.0)


def with_losses(b, c, d, t0, level=700.0):
    """Peaks on the background that their own losses make, all orders, by forward substitution: no code in common."""
    step = X[1] - X[0]
    total = np.zeros_like(X)
    for i in range(X.size):
        lost = 0.0
        for j in range(i):
            loss = X[i] - X[j]
            if loss >= t0 - 1e-9:
                lost += b * loss / ((c - loss**2) ** 2 + d * loss**2) * total[j] * step
        total[i] = PEAKS[i] + lost
    return level + total, level + total - PEAKS


@pytest.mark.parametrize("loss_class", list(LOSS_CLASSES))
def test_tougaard_undoes_known_losses(loss_class):
    b, c, d, t0 = LOSS_CLASSES[loss_class]
    y, background = with_losses(b, c, d, t0)
    as_it_is = tougaard(X, y, b=b, c=c, d=d, t0=t0, rescale=0)
    np.testing.assert_allclose(as_it_is.values, background, atol=1e-6)
    # Where no peak reaches the end, B such that the end is met is B itself.
    met = tougaard(X, y, b=1.0, c=c, d=d, t0=t0)
    np.testing.assert_allclose(met.values, background, atol=0.5)
    assert met.values[-1] == pytest.approx(y[-1])
    assert met.values[0] == y[0]


def test_tougaard_by_columns_is_the_whole_sum():
    """More points than one block of rows."""
    x = np.linspace(0.0, 100.0, 1301)
    y = 5.0 + gl_sum(x, 1000.0, 10.0, 2.0, 0.0)
    found = tougaard(x, y, rescale=0).values
    for i in (0, 511, 512, 1024, 1300):
        loss = x[i] - x[:i]
        once = 5.0 + np.sum(2866.0 * loss / (1643.0 + loss**2) ** 2 * (y[:i] - y[0])) * (x[1] - x[0])
        assert found[i] == pytest.approx(once, rel=1e-9)


def test_tougaard_says_when_it_cannot():
    with pytest.raises(BadModel, match="needs a width"):
        tougaard(X, PEAKS, c=551.0, d=0.0)
    falling = tougaard(X, 300.0 + PEAKS - np.linspace(0.0, 5.0, X.size))
    assert falling.values[-1] == pytest.approx(295.0)
    assert "falls" in falling.warnings[0]
    with pytest.raises(BadModel, match="cannot meet"):
        tougaard(X, np.full(X.size, 3.0))


@pytest.mark.realdata
def test_tougaard_against_a_casaxps_export(realdata, measured):
    """CasaXPS's own background column; region, B, C, D, T0 from the CASA line in the VAMAS file beside it.

    "U 3 Tougaard" 737.52081 786.7632 16.42 2 0 0 335.44588 551 436 3: the averaging width 2 is stored, and both ends of
    the column are means of three points.
    """
    path = realdata / "xps" / "FeO_analyzed_lineshapes_cols.txt"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.reader(file, delimiter="\t") if len(row) > 15]
    numbers = [[float(c) if c.strip() else math.nan for c in row] for row in rows[1:] if row[0][:1].isdigit()]
    table = np.array([row for row in numbers if len(row) == 17])[::-1]
    x, y, theirs = table[:, 9], table[:, 10], table[:, 15]
    spectrum = Spectrum(Axis(x, "binding_energy"), y)
    region = (1486.61 - 786.7632, 1486.61 - 737.52081)
    settings = (("b", 335.44588), ("c", 551.0), ("d", 436.0), ("t0", 3.0))
    inside = (x >= region[0]) & (x <= region[1])
    for rescale in (0.0, 1.0):
        back = Background("tougaard", average=1, settings=(*settings, ("rescale", rescale)))
        model = FitModel(region, back)
        ours = Evaluator(spectrum, model).parts(Evaluator.values_of(model)).background
        rms = float(np.sqrt(np.mean((ours - theirs[inside]) ** 2)))
        measured(f"Tougaard background of CasaXPS (rescale {rescale:g}), rms", rms, "cps", "<= 2")
        assert rms <= 2.0


def test_spline_runs_through_its_anchors():
    x = np.linspace(0.0, 10.0, 101)
    points = ((1.0, 5.0), (4.0, 5.0), (6.0, 9.0), (9.0, 8.0))
    for curved in (0.0, 1.0):
        values = spline(x, x, anchors=points, curved=curved).values
        np.testing.assert_allclose([values[10], values[40], values[60], values[90]], [5, 5, 9, 8])
        assert np.all((values >= 5.0 - 1e-12) & (values <= 9.0 + 1e-12))  # never beyond two neighbours
        np.testing.assert_allclose(values[[0, -1]], [5.0, 8.0])
    lines = spline(x, x, anchors=points, curved=0).values
    np.testing.assert_allclose(lines, np.interp(x, *zip(*points, strict=True)))
    np.testing.assert_allclose(spline(x, x, anchors=((3.0, 2.0),)).values, 2.0)
    with pytest.raises(BadModel, match="needs anchors"):
        spline(x, x)
    with pytest.raises(BadModel, match="share an energy"):
        spline(x, x, anchors=((1.0, 2.0), (1.0, 3.0)))


@pytest.mark.parametrize("quantity", ["binding_energy", "kinetic_energy"])
def test_anchors_stand_on_averaged_data(quantity):
    x = np.linspace(280.0, 295.0, 151)
    y = np.random.default_rng(0).poisson(500.0, x.size).astype(float)
    spectrum = Spectrum(Axis(x, quantity), y)
    back = Background("spline", average=2, anchors=((283.0, 10.0), (290.02, -5.0)))
    model = FitModel((282.0, 293.0), back)
    got = Evaluator(spectrum, model)
    values = got.parts(Evaluator.values_of(model)).background
    at = [int(np.argmin(np.abs(got.x - energy))) for energy in (283.0, 290.0)]
    assert values[at[0]] == pytest.approx(y[28:33].mean() + 10.0)
    assert np.interp(290.02, got.x, values) == pytest.approx(y[98:103].mean() - 5.0, abs=5e-2)
    assert anchor_levels(x, y, ((280.0, 0.0),), 2)[0][1] == pytest.approx(y[:3].mean())


def test_offsets_raise_the_ends_by_a_part_of_their_level():
    y = 100.0 + PEAKS + np.linspace(0.0, 30.0, X.size)
    for name in ("linear", "shirley", "tougaard"):
        options = {"low_offset": -10.0, "high_offset": 5.0, "levels": (100.0, 130.0)}
        values = static_background(name, X, y, options).values
        assert values[0] == pytest.approx(90.0)
        assert values[-1] == pytest.approx(136.5)


@pytest.mark.parametrize("name", ["shirley", "tougaard"])
def test_a_slope_is_taken_off_and_put_back(name):
    """On a ramp of known slope, the background is the ramp and that of the data without it."""
    if name == "shirley":
        y = 100.0 + PEAKS + 0.02 * np.cumsum(PEAKS) * (X[1] - X[0])
    else:
        y, _ = with_losses(*LOSS_CLASSES["universal"])
    plain = static_background(name, X, y).values
    ramp = 4.0 * (X - X[0])
    np.testing.assert_allclose(static_background(name, X, y + ramp, {"slope": 4.0}).values, plain + ramp, rtol=1e-9)
    without = 0.1 * ramp  # on which Shirley's iteration still converges
    assert not np.allclose(static_background(name, X, y + without).values, plain + without, atol=1.0)


def test_settings_are_checked():
    with pytest.raises(BadModel, match="no option start_offset"):
        static_background("linear", X, PEAKS, {"start_offset": 3.0})
    with pytest.raises(BadModel, match="outside 0 to 100"):
        static_background("tougaard", X, PEAKS, {"t0": -1.0})


@pytest.mark.parametrize("name", list(KINDS))
def test_every_kind_starts_from_the_data(name):
    y, _ = with_losses(*LOSS_CLASSES["universal"])
    spectrum = Spectrum(Axis(X, "binding_energy"), y)
    model = new_model(spectrum, 526.0, 558.0, name)
    assert [n for n, _ in model.background.settings] == [s.name for s in KINDS[name].settings]
    values = Evaluator(spectrum, model).parts(Evaluator.values_of(model)).background
    assert np.all(np.isfinite(values))
    if KINDS[name].static and name != "level":
        assert values[-1] == pytest.approx(float(y[(X >= 526.0) & (X <= 558.0)][-3:].mean()), rel=2e-2)
    if name == "spline":
        assert [a for a, _ in model.background.anchors] == [pytest.approx(526.0), pytest.approx(558.0)]
    if KINDS[name].quantity:
        return  # a power of the energy loss: where it lies matters
    moved = model.moved(2.0)
    shifted = Evaluator(spectrum.with_(axis=Axis(X + 2.0, "binding_energy")), moved)
    np.testing.assert_allclose(shifted.parts(Evaluator.values_of(moved)).background, values, rtol=1e-9)


def test_a_step_is_recovered():
    from fitting.engine import fit

    x = np.linspace(280.0, 295.0, 151)
    truth = 500.0 + 300.0 * (0.5 + np.arctan(2 * (x - 288.0) / 1.2) / math.pi)
    spectrum = Spectrum(Axis(x, "binding_energy"), truth)
    model = change_background(spectrum, new_model(spectrum, 280.0, 295.0), "step_arctan")
    model = model.with_params({"background.position": replace(model.params["background.position"], value=287.0)})
    result = fit(spectrum, model)
    for name, value in {"level": 500.0, "height": 300.0, "position": 288.0, "width": 1.2}.items():
        assert result.value(f"background.{name}") == pytest.approx(value, rel=1e-5)
