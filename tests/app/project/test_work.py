"""The analyst's work without a window."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.project import work
from app.project.project import Project, add_spectra
from fitting import guess
from fitting.dataset import Axis
from fitting.identity import same
from fitting.recipe import Step
from fitting.simulate.samples import NAMES, xps_sample
from fitting.simulate.xps import expectation, noisy
from libraries.errors import BadData, Cancelled, NotDetermined


@pytest.fixture(scope="module")
def project() -> Project:
    """C 1s and N 1s of a sample with one fitted peak each, and a spectrum of another sample."""
    measured = noisy(expectation(xps_sample(NAMES[0])), 1)
    made = add_spectra(Project(), [measured.spectrum("C 1s"), measured.spectrum("N 1s")], "A")
    made = add_spectra(made, [measured.spectrum("Na 1s")], "B")
    for id, low, high, top in (("c_1s", 281.0, 296.0, 284.7), ("n_1s", 393.0, 403.0, 397.4)):
        made, region = work.add_region(made, id, low, high)
        entry = made.entry(id)
        model = guess.add_peak(entry.processed(), entry.fit(region).model, top)
        made = made.with_entry(entry.with_fit(replace(entry.fit(region), model=model)))
    return work.fit_sample(made, "a")


def test_fit_region_keeps_the_others(project):
    again = work.fit_region(project, "c_1s", "r1")
    assert same(again.entry("n_1s"), project.entry("n_1s"))
    assert again.entry("c_1s").fit("r1").result.model == again.entry("c_1s").fit("r1").model
    more, id = work.add_region(project, "c_1s", 282.0, 290.0)
    assert (id, more.entry("c_1s").fit(id).name) == ("r1_2", "C 1s 2")
    assert same(more.entry("c_1s").fit("r1"), project.entry("c_1s").fit("r1"))


def test_cancelled_leaves_the_project(project):
    with pytest.raises(Cancelled):
        work.fit_all(project, cancel=lambda: True)
    seen = []
    work.fit_all(project, progress=lambda f, t: seen.append((f, t)))
    assert seen == [(0.0, "C 1s"), (0.5, "N 1s")]


def test_many_starts_tell_what_they_gained(project):
    entry = project.entry("c_1s")
    same_again = work.fit_from_many_starts(project, "c_1s", "r1", starts=3, seed=5)
    assert not same_again.better
    assert same_again.project is project
    assert "3 starts (seed 5): no minimum lower than that of the plain fit (deviance" in str(same_again)

    component = entry.fit("r1").model.components[0].id
    far = entry.fit("r1").model.with_values({f"{component}.position": 294.5})
    lost = project.with_entry(entry.with_fit(replace(entry.fit("r1"), model=far, result=None)))
    seen = []
    found = work.fit_from_many_starts(lost, "c_1s", "r1", lambda f, t: seen.append((f, t)))
    assert (found.starts, found.seed) == (work.STARTS, work.SEED)
    kept = found.project.entry("c_1s").fit("r1")
    assert kept.result is found.best
    assert same(found.best.model, kept.model)
    assert found.best.deviance <= found.plain.deviance
    fractions = [fraction for fraction, _ in seen]
    assert fractions == sorted(fractions)
    assert seen[-1][1] == f"Start {work.STARTS} of {work.STARTS}"
    assert 0 < fractions[-1] <= 1


def test_many_starts_words():
    """What is said of each outcome."""
    class Result:
        def __init__(self, deviance, success, message=""):
            self.deviance, self.success, self.message = deviance, success, message
            self.statistic = "poisson deviance"

    def words(plain, best):
        return str(work.ManyStarts(Project(), plain, best, 20, 0))

    low, high, none = Result(100.0, True), Result(112.5, True), Result(150.0, False, "It did not converge.")
    assert words(high, low) == (
        "20 starts (seed 0): a lower minimum than that of the plain fit; deviance fell by 12.5, from 112.5 to 100."
    )
    assert "the plain fit did not reach any" in words(none, low)
    assert words(none, none) == "None of 20 starts (seed 0) reached a minimum. It did not converge."


def test_fit_may_start_elsewhere(project):
    entry = project.entry("c_1s")
    model = entry.fit("r1").model
    component = model.components[0].id
    start = model.with_values({f"{component}.area": 0.8 * model.params[f"{component}.area"].value})
    fitted = work.fit_region(project, "c_1s", "r1", start=start).entry("c_1s").fit("r1")
    assert fitted.result.start == start
    assert fitted.result.deviance == pytest.approx(entry.fit("r1").result.deviance, rel=1e-6)


def test_many_starts_can_be_stopped(project):
    with pytest.raises(Cancelled):
        work.fit_from_many_starts(project, "c_1s", "r1", cancel=lambda: True)


def test_charge_reference_sums_and_moves_everything(project):
    once = work.charge_reference(project, "a", 284.9, 284.6, "first")
    twice = work.charge_reference(once, "a", 284.6, 284.8, "second")
    before, after = project.entry("c_1s"), twice.entry("c_1s")
    assert after.recipe.energy_shift == pytest.approx(-0.1)
    assert [s.note for s in after.recipe.steps] == ["second"]
    np.testing.assert_allclose(after.processed().x, before.processed().x - 0.1, rtol=1e-12)
    old, new = before.fit("r1"), after.fit("r1")
    assert new.model.params["p1.position"].value == pytest.approx(old.model.params["p1.position"].value - 0.1)
    assert new.result.value("p1.position") == pytest.approx(old.result.value("p1.position") - 0.1)
    assert new.model.region[0] == pytest.approx(old.model.region[0] - 0.1)
    assert same(twice.entry("na_1s"), project.entry("na_1s"))
    back = work.reset_reference(twice, "a")
    assert back.entry("c_1s").recipe.steps == ()
    assert back.entry("c_1s").fit("r1").model.region == pytest.approx(old.model.region)
    a, b = work.composition(project, "a"), work.composition(twice, "a")
    assert [r.at_percent for r in a.rows] == pytest.approx([r.at_percent for r in b.rows], rel=1e-9)
    refit = work.fit_sample(twice, "a").entry("c_1s").fit("r1").result
    assert refit.deviance == pytest.approx(old.result.deviance, rel=1e-6)
    for wrong in (float("nan"), 1000.0):
        with pytest.raises(BadData, match="not sensible"):
            work.charge_reference(project, "a", wrong, 284.6, "")


def test_models_of_a_turned_axis_move_with_it(project):
    """A file in kinetic energy whose recipe sets the photon energy: its models stand in binding energy."""
    entry = project.entry("c_1s")
    raw = entry.spectrum
    kinetic = raw.with_(axis=Axis(1486.6 - raw.x[::-1], "kinetic_energy"), counts=raw.counts[::-1], transmission=None)
    recipe = entry.recipe.with_step(Step("photon_energy", (("photon_energy", 1486.6),)))
    turned = project.with_entry(replace(entry, spectrum=kinetic, recipe=recipe))
    moved = work.charge_reference(turned, "a", 284.9, 284.6, "").entry("c_1s")
    np.testing.assert_allclose(moved.processed().x, raw.x - 0.3, rtol=1e-9)
    shift = moved.fit("r1").model.params["p1.position"].value - entry.fit("r1").model.params["p1.position"].value
    assert shift == pytest.approx(-0.3)


def test_composition_tells_what_is_missing(project):
    entry = project.entry("n_1s")
    open_ = project.with_entry(entry.with_fit(replace(entry.fit("r1"), result=None)))
    found = work.composition(open_, "a")
    assert {row.element for row in found.elements} == {"C"}
    assert any("Not fitted and not counted: N 1s" in text for text in found.warnings)
    with pytest.raises(NotDetermined, match="Nothing is fitted"):
        work.composition(project, "b")
    unknown = replace(entry.spectrum, meta=replace(entry.spectrum.meta, photon_energy=None))
    with pytest.raises(NotDetermined, match="photon energy"):
        work.composition(project.with_entry(replace(entry, spectrum=unknown)), "a")


COMP = (
    "CASA comp (*{name}*) (*GL(30)*) Area {area} 1e-20 1e7 -1 1 MFWHM 1.2 0.2 5 -1 1 "
    "Position {ke} 900 1300 -1 1 RSF {rsf} MASS 12 INDEX -1 (*C 1s*) CONST (**) UNCORRECTEDRSF {rsf}"
)


def test_casa_composition(project):
    base = project.entry("c_1s").spectrum
    comments = (
        COMP.format(name="C 1s", area=1000.0, ke=1202.0, rsf=1.0),
        COMP.format(name="C 1s oxide", area=500.0, ke=1198.0, rsf=2.0),
        COMP.format(name="ghost", area=9000.0, ke=1200.0, rsf=0.0),
    )
    spectrum = replace(base, meta=replace(base.meta, comments=comments))
    found = work.casa_composition(spectrum)
    t = np.interp([284.6, 288.6], base.x, base.transmission)
    amounts = np.array([1000.0, 250.0]) / t
    np.testing.assert_allclose([r.at_percent for r in found.rows], 100 * amounts / amounts.sum(), rtol=1e-9)
    assert work.casa_composition(base) is None
