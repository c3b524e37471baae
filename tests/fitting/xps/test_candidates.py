"""Candidate models: rules of the grammar, sources, search, evidence, tests of k against k + 1, ranking, spread."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize

from fitting import guess
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.evaluate import Evaluator
from fitting.model import Background, Component, FitModel, Param
from fitting.xps.candidates.build import build
from fitting.xps.candidates.decide import CLEAR, DETECTION_LIMIT, NEVER, Step
from fitting.xps.candidates.evidence import structure
from fitting.xps.candidates.grammar import RESOLVABLE, Profile, plain
from fitting.xps.candidates.rank import find, spread
from fitting.xps.candidates.states import LINES, grammar_for
from libraries.compounds import reference_lines
from libraries.core_levels import doublet
from libraries.errors import BadModel, Cancelled

X = np.round(np.arange(280.0, 294.01, 0.1), 3)


def peak(id, position, area, fwhm=1.2, line="C 1s"):
    """A peak of the usual form."""
    params = {"area": Param(area, 0.0), "position": Param(position), "fwhm": Param(fwhm, 0.2, 5.0),
              "mix": Param(0.3, 0.0, 1.0, vary=False)}
    return Component(id, id, "gl_sum", params, line=line)


def carbon(*peaks, seed=3, level=300.0):
    """C 1s of known peaks (position, area), as counts."""
    region = (float(X[0]), float(X[-1]))
    background = Background("constant", {"level": Param(level)})
    model = FitModel(region, background, tuple(peak(f"p{i + 1}", *p) for i, p in enumerate(peaks)), "C 1s")
    meta = Meta(technique="xps", region="C 1s", photon_energy=1486.6)
    blank = Spectrum(Axis(X, "binding_energy"), np.ones_like(X), Noise("poisson", 1.0), meta)
    evaluator = Evaluator(blank, model)
    envelope = evaluator.parts(evaluator.values_of(model)).envelope
    return blank.with_(counts=np.random.default_rng(seed).poisson(envelope).astype(float)), model


@pytest.mark.parametrize("line", LINES)
def test_states_are_the_librarys(line):
    """Every range is spanned by cited rows of that level; partners are the library's."""
    level = line.split(" ")
    for state in grammar_for([line]).states:
        rows = [r for r in reference_lines() if r.label in state.compounds and r.line.element == level[0]]
        assert state.low in [r.low for r in rows]
        assert state.high in [r.high for r in rows]
        assert state.low <= state.centre <= state.high
        assert state.source
        if line[-1] == "p":
            pair = doublet(*level)
            assert (state.parts[0].offset, state.parts[0].ratio) == (pair.splitting, pair.ratio)


def test_rules_of_carbon():
    """No shake-up without sp2 carbon, no carbonate ester without its C-O; PVDF comes with both carbons, 1:1."""
    carbon_ = grammar_for(["C 1s"])
    assert not carbon_.allowed(("sp3", "pi"))
    assert carbon_.allowed(("sp2", "pi"))
    assert not carbon_.allowed(("sp3", "alkyl carbonate"))
    assert not carbon_.allowed(("tfsi", "ptfe"))
    part = carbon_.state("pvdf").parts[0]
    # CF2 - CH2 = 4.46-4.5 eV in four papers (xps_differences.csv); (CH2-CF2)n has one of each.
    assert 4.46 <= part.offset <= 4.5
    assert part.ratio == 1.0


def test_lines_without_states_are_refused():
    """Nothing is invented for a level without references."""
    with pytest.raises(BadModel, match="no chemical states"):
        grammar_for(["Si 2p"])
    with pytest.raises(BadModel, match="No cited state"):
        grammar_for(["C 1s"]).within((100.0, 110.0))


def test_doublets_and_widths_are_tied():
    """V 2p: 2p1/2 follows 2p3/2 by the library; oxides share both widths, of which that of 2p1/2 is free."""
    base = FitModel((510.0, 530.0), Background("constant", {"level": Param(1.0)}))
    model, ids = build(grammar_for(["V 2p"]), ("V4", "V5"), base)
    minors = [c for c in model.components if c.doublet]
    assert [c.doublet for c in minors] == list(ids)
    assert [c.param("area").link for c in minors] == [f"{id}.area * 0.5" for id in ids]
    assert model.component(ids[1]).param("fwhm").link == f"{ids[0]}.fwhm"
    assert minors[0].param("fwhm").free
    assert minors[1].param("fwhm").link == f"{minors[0].id}.fwhm"


def test_resolvable_is_what_it_says():
    """Two equal Gaussians a quarter of their width apart differ from the best single one by below 0.1 % of its top."""
    x = np.linspace(-4, 4, 2001)
    def gauss(x0, f, a):
        return a * np.exp(-4 * np.log(2) * ((x - x0) / f) ** 2)

    pair = gauss(-RESOLVABLE / 2, 1, 0.5) + gauss(RESOLVABLE / 2, 1, 0.5)
    best = minimize(lambda p: np.sum((gauss(0, p[0], p[1]) - pair) ** 2), (1.05, 0.97), method="Nelder-Mead",
                    options={"xatol": 1e-9, "fatol": 1e-14})
    assert np.max(np.abs(gauss(0, *best.x) - pair)) < 1e-3


def test_detection_limit_is_curries():
    """3.29 standard deviations (Currie 1968), squared."""
    assert math.isclose(DETECTION_LIMIT, 3.29**2, rel_tol=2e-3)
    assert NEVER < DETECTION_LIMIT < CLEAR


def test_structure_of_residuals():
    """White residuals have none, slow ones have; the level of the test is 1 %; Durbin-Watson is 2 (1 - r)."""
    rng = np.random.default_rng(1)
    white = [structure(rng.standard_normal(150)) for _ in range(400)]
    assert np.mean([s.left for s in white]) < 0.025
    assert np.mean([s.durbin_watson for s in white]) == pytest.approx(2.0, abs=0.05)
    slow = structure(rng.standard_normal(150) + 0.8 * np.sin(np.arange(150) / 8))
    assert slow.left
    assert slow.durbin_watson == pytest.approx(2 * (1 - slow.correlation), abs=0.1)


def test_two_peaks_are_found_among_candidates():
    """Two clear peaks: two states needed, a third not determined; energies as simulated."""
    spectrum, truth = carbon((284.9, 5000.0), (286.5, 2000.0))
    base = replace(truth, components=())
    found = find(spectrum, base, plain(base, line="C 1s", most=3), starts=4)
    assert found.size == 2
    assert [s.needed for s in found.steps] == [True, False]
    best = found.supported
    assert sorted(s.position for s in best.states) == pytest.approx([284.9, 286.5], abs=0.1)
    assert best.verdict == "supported"
    assert not best.structure.left
    assert best.hits >= 1
    verdicts = {c.size: c.verdict for c in found.found}
    assert verdicts.get(1, "too few states") == "too few states"
    assert verdicts.get(3, "more states: not determined") == "more states: not determined"
    assert sum(c.weight for c in found.found) == pytest.approx(1.0)
    assert "not determined" in found.summary()


def test_chemical_candidates_name_states_and_conflicts():
    """Adventitious carbon with C-O and O-C=O: the truth is among the candidates that cannot be ruled out."""
    spectrum, truth = carbon((284.9, 6000.0), (286.4, 1500.0), (288.9, 900.0))
    base = replace(truth, components=())
    found = find(spectrum, base, grammar_for(["C 1s"]), starts=3)
    assert any(set(c.keys) == {"sp3", "ether", "carboxyl"} and c.delta < 10 for c in found.found)
    assert any("NaxC" in remark for remark in found.remarks)
    rows = {row.name: row for row in spread(found)}
    assert rows["C–O"].share_low <= 1500 / 8400 <= rows["C–O"].share_high + 0.02
    assert sum(row.share_mean for row in rows.values()) == pytest.approx(1.0)


def test_components_of_other_lines_stay():
    """A peak of another element in the region is in every candidate and is not counted as a state."""
    spectrum, truth = carbon((284.9, 5000.0), (292.0, 3000.0))
    other = replace(truth.components[1], id="p7", line="K 2p3/2")
    base = replace(truth, components=(other,))
    found = find(spectrum, base, plain(base, line="C 1s", most=2), starts=3)
    assert found.size == 1
    assert all(c.model.component("p7").line == "K 2p3/2" for c in found.found)


def test_the_same_seed_gives_the_same_candidates():
    """Nothing depends on the clock."""
    spectrum, truth = carbon((284.9, 3000.0), (285.9, 600.0))
    base = replace(truth, components=())
    one, two = (find(spectrum, base, plain(base, line="C 1s", most=2), starts=3, seed=5) for _ in range(2))
    assert [c.aicc for c in one.found] == [c.aicc for c in two.found]
    assert [str(s) for s in one.steps] == [str(s) for s in two.steps]


def test_a_search_can_be_stopped():
    """`cancel` ends it."""
    spectrum, truth = carbon((284.9, 3000.0))
    base = replace(truth, components=())
    with pytest.raises(Cancelled):
        find(spectrum, base, plain(base, line="C 1s"), cancel=lambda: True)


def test_a_reference_gives_the_form():
    """Peaks of a fitted reference together are the form of every peak: offsets and area ratios stay."""
    pair = FitModel((280.0, 290.0), Background("none"), (peak("p1", 285.0, 900.0, 0.85), peak("p2", 285.7, 100.0, 0.9)))
    allowed = plain(pair, line="C 1s", reference=pair)
    part = allowed.states[0].parts[0]
    assert part.offset == pytest.approx(0.7)
    assert part.ratio == pytest.approx(1 / 9)
    width = dict(allowed.profiles["line"].params)["fwhm"]
    assert (width.minimum, width.maximum) == pytest.approx((0.8075, 0.8925))
    with pytest.raises(BadModel, match="no peaks"):
        plain(pair, reference=replace(pair, components=()))
    bad = guess.add_peak(carbon((284.9, 100.0))[0], pair, 285.0, shape="doniach_sunjic").components[-1]
    with pytest.raises(BadModel, match="area"):
        Profile.reference(bad)


def test_words_of_a_step():
    """An unsupported state is "not determined", never "not there"."""
    clear = Step(1, ("peak",), 90.0, 1e-9, 0, math.nan)
    unclear = Step(2, ("peak",) * 2, 5.0, 0.3, 20, math.nan)
    assert "needed" in str(clear)
    assert "not determined" in str(unclear)
    assert "30 %" in str(unclear)


@pytest.mark.full
def test_false_states_of_counted_data(measured):
    """Singlets of counted data with free width and mixing: at most 2.5 % (+ 3 binomial errors) need a second peak."""
    number, false = 150, 0
    for seed in range(number):
        spectrum, truth = carbon((284.9, 3000.0), seed=seed)
        base = replace(truth, components=())
        false += find(spectrum, base, plain(base, line="C 1s", most=2), starts=3, seed=seed).size > 1
    measured("candidates: false second states, free form", 100 * false / number, "%", "<= 5")
    assert false / number <= 0.025 + 3 * math.sqrt(0.025 * 0.975 / number)
