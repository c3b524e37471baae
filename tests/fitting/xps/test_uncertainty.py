"""Bootstrap and model spread of compositions: coverage on simulated samples, extremes against all combinations."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.engine import fit
from fitting.evaluate import Evaluator
from fitting.model import Background, FitModel
from fitting.shapes import shape
from fitting.xps.areas import Areas, area_of_region, line_areas
from fitting.xps.quantify import amounts_per_area, quantify
from fitting.xps.spread import _ranges, alternatives, model_spread, with_shape
from fitting.xps.study import element_key, fingerprint, row_key
from fitting.xps.uncertainty import Piece, bootstrap_composition
from libraries.errors import BadModel, Cancelled, NotDetermined
from tests.fitting.problems import background, component, envelope

COUNTS = Noise("poisson", 1.0)
# line, region, components (position, area)
SAMPLE = (
    ("C 1s", (280.0, 294.0), ((284.8, 3000.0), (286.4, 900.0), (289.2, 250.0))),
    ("O 1s", (526.0, 540.0), ((531.6, 2500.0), (533.1, 1200.0))),
    ("Na 1s", (1066.0, 1078.0), ((1071.6, 2200.0),)),
)


def truths():
    for line, region, parts in SAMPLE:
        peaks = [
            component(f"p{i}", line=line, position=at, area=area, fwhm=1.3) for i, (at, area) in enumerate(parts, 1)
        ]
        yield FitModel(region, background("shirley_active", level=60.0, step=0.02, loss_slope=5e-4), tuple(peaks), line)


def blank(region):
    x = np.linspace(*region, round((region[1] - region[0]) / 0.1) + 1)
    meta = Meta(photon_energy=1486.6, dwell_time=1.0, sweeps=1.0)
    return Spectrum(Axis(x, "binding_energy"), np.ones(x.size), COUNTS, meta)


def pieces(seed):
    found = []
    for number, truth in enumerate(truths()):
        spectrum = blank(truth.region)
        random = np.random.default_rng([seed, number, 77])
        spectrum = spectrum.with_(counts=random.poisson(envelope(spectrum, truth)))
        result = fit(spectrum, truth)
        found.append(Piece(spectrum, result.model, result, "components", line_areas(spectrum, result)))
    return found


def true_percent():
    parts = pieces(0)
    weights = amounts_per_area(Areas(tuple(line for p in parts for line in p.areas.lines), np.zeros((6, 6))))
    amounts = np.array([area for _, _, rows in SAMPLE for _, area in rows]) * weights
    return 100 * amounts / amounts.sum()


def coverage(samples, replicas):
    truth = true_percent()
    elements = {"C": truth[:3].sum(), "O": truth[3:5].sum(), "Na": truth[5]}
    inside, pulls = [], []
    for seed in range(samples):
        study = bootstrap_composition(pieces(1000 + seed), "", replicas, seed=seed)
        for name, value in elements.items():
            found = study.of(element_key(name))
            inside.append(found.low <= value <= found.high)
            pulls.append((found.value - value) / found.error)
    return float(np.mean(inside)), float(np.std(pulls)), float(np.mean(pulls))


def test_bootstrap_coverage(measured):
    covered, spread, _ = coverage(16, 60)
    measured("coverage of 95 % bootstrap intervals of at.% (16 samples)", 100 * covered, "%", ">= 83")
    assert covered >= 0.83
    assert 0.65 < spread < 1.4


@pytest.mark.full
def test_bootstrap_coverage_in_full(measured):
    covered, spread, bias = coverage(60, 150)
    measured("coverage of 95 % bootstrap intervals of at.% (60 samples)", 100 * covered, "%", "90 to 99")
    measured("spread of pulls of at.%, errors by bootstrap", spread, "", "0.85 to 1.15")
    assert 0.90 <= covered <= 0.99
    assert 0.85 < spread < 1.15
    assert abs(bias) < 0.25


def test_bootstrap_and_covariance_agree():
    parts = pieces(1)
    table = quantify(Areas(tuple(line for p in parts for line in p.areas.lines), _block(parts)))
    study = bootstrap_composition(parts, "", 150)
    for i, row in enumerate(table.rows):
        assert study.of(row_key(i)).error == pytest.approx(row.at_percent_err, rel=0.35)
        assert study.of(row_key(i)).value == pytest.approx(row.at_percent)
    assert study.basis == fingerprint(table)
    again = bootstrap_composition(parts, "", 150)
    assert again == study


def _block(parts):
    size = sum(len(p.areas.lines) for p in parts)
    full, first = np.zeros((size, size)), 0
    for p in parts:
        n = len(p.areas.lines)
        full[first : first + n, first : first + n] = p.areas.covariance
        first += n
    return full


def test_regions_by_data_minus_background_are_simulated_too():
    parts = []
    for piece in pieces(2):
        low, high = piece.model.region
        model = FitModel((low + 0.5, high - 0.5), Background("shirley", average=3), (), piece.title)
        parts.append(Piece(piece.spectrum, model, None, "region", area_of_region(piece.spectrum, model)))
    table = quantify(Areas(tuple(p.areas.lines[0] for p in parts), _block(parts)))
    study = bootstrap_composition(parts, "", 200)
    for i, row in enumerate(table.rows):
        assert study.of(row_key(i)).error == pytest.approx(row.at_percent_err, rel=0.3)
    assert any("noise was added to the data themselves" in note for note in study.notes)
    mute = [replace(p, spectrum=p.spectrum.with_(noise=Noise("poisson", None))) for p in parts]
    with pytest.raises(NotDetermined, match="noise is not known"):
        bootstrap_composition(mute, "", 30)


def test_stopping():
    for work in (bootstrap_composition, model_spread):
        with pytest.raises(Cancelled):
            work(pieces(3), "", cancel=lambda: True)


def test_the_spread_is_the_range_over_all_combinations():
    """Against every combination written out; random numbers."""
    rng = np.random.default_rng(5)
    sizes, choices = (2, 1, 3), (3, 4, 2)

    class Row:
        def __init__(self, areas):
            self.areas, self.label = areas, "x"

    outcomes = [[Row(rng.uniform(1, 9, n)) for _ in range(c)] for n, c in zip(sizes, choices, strict=True)]
    fake = [replace(pieces(0)[0], areas=Areas((None,) * n, np.zeros((n, n)))) for n in sizes]
    weights = rng.uniform(0.5, 2.0, 6)
    members = {"a": [0], "b": [1, 4], "c": [2], "d": [3, 4, 5]}
    ranges = {r.key: r for r in _ranges(members, [0.0] * 6, fake, outcomes, weights)}
    for key, rows in members.items():
        values = []
        for chosen in itertools.product(*outcomes):
            amounts = np.concatenate([row.areas for row in chosen]) * weights
            values.append(100 * amounts[rows].sum() / amounts.sum())
        assert (ranges[key].low, ranges[key].high) == pytest.approx((min(values), max(values)))


def test_a_spread_of_models():
    parts = pieces(4)
    seen = []
    study = model_spread(parts, progress=lambda fraction, text: seen.append(fraction))
    assert seen == sorted(seen)
    assert study.failed == 0
    table = quantify(Areas(tuple(line for p in parts for line in p.areas.lines), _block(parts)))
    for name in ("C", "O", "Na"):
        found = study.of(element_key(name))
        assert found.low <= table.element(name).at_percent <= found.high
        assert math.isnan(found.error)
    sodium = study.of(element_key("Na"))
    assert sodium.high - sodium.low > 2 * table.element("Na").at_percent_err
    assert "lowest: Na 1s" in sodium.note
    assert any("C 1s: as it is" in note for note in study.notes)
    only = model_spread(parts, groups=("shape",))
    pairs = zip(only.ranges, study.ranges, strict=True)
    assert all(few.low >= all_.low - 1e-9 and few.high <= all_.high + 1e-9 for few, all_ in pairs)
    with pytest.raises(BadModel, match="no alternatives"):
        model_spread(parts, groups=("noise",))


def test_alternatives_say_what_does_not_apply():
    found, missing = alternatives(pieces(5)[2])
    assert {"background", "ends", "shape"} == {a.group for a in found}
    assert any("wider" in text and "spectrum ends" in text for text in missing)


@pytest.mark.parametrize("start", ["gl_sum", "gl_product", "voigt"])
@pytest.mark.parametrize("target", ["gl_sum", "gl_product", "voigt"])
def test_a_shape_goes_over_with_its_width(start, target):
    one = component("p1", start, position=285.0, area=1000.0)
    width = "fwhm_g" if start == "voigt" else "fwhm"
    two = component("p2", start, position=288.0, area=500.0)
    two = two.with_(**{width: replace(two.param(width), link=f"p1.{width} * 1.2")})
    before = FitModel((280.0, 295.0), background(), (one, two))
    before = before.with_values({f"p2.{width}": 1.2 * before.params[f"p1.{width}"].value})
    after = with_shape(before, target)
    assert {c.shape for c in after.components} == {target}
    for old, new in zip(before.components, after.components, strict=True):
        was, now = (shape(c.shape).derived(c.values) for c in (old, new))
        assert now.fwhm == pytest.approx(was.fwhm, rel=0.06)
    if "gl_product" not in (start, target):
        spectrum = blank((280.0, 295.0))
        parts = [Evaluator(spectrum, m).parts(Evaluator.values_of(m)).envelope for m in (before, after)]
        assert np.max(np.abs(parts[0] - parts[1])) < 0.08 * np.ptp(parts[0])


def test_a_link_on_the_mixing_forbids_another_shape():
    one, two = (component(f"p{i}", position=284.0 + i) for i in (1, 2))
    two = two.with_(fwhm=replace(two.param("fwhm"), link="p1.fwhm + p1.mix"))
    with pytest.raises(BadModel, match="mixing"):
        with_shape(FitModel((280.0, 295.0), background(), (one, two)), "voigt")
