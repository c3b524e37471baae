"""Processing in a project: steps, new spectra, calibration, noise; what happens to models and results."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.project import joint, process, store, work
from app.project.project import Project, RegionFit, add_spectra
from fitting.constraints import Dual
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.joint_links import checked
from fitting.model import Background, Component, FitModel, Param
from fitting.processing.sweeps import drift
from fitting.recipe import Step
from libraries.errors import BadData, BadModel

X = np.round(np.arange(280.0, 292.0, 0.1), 6)
MEAN = 200.0 + 4000.0 * np.exp(-4 * np.log(2) * ((X - 285.0) / 1.2) ** 2)


def spectrum(region="C 1s", seed=0, state="", **changes):
    meta = Meta(region=region, sample="S", technique="xps", photon_energy=1486.6, dwell_time=0.1, sweeps=10.0,
                charge_state=state)
    counts = np.random.default_rng(seed).poisson(MEAN)
    return Spectrum(Axis(X, "binding_energy"), counts, Noise("poisson", 1.0), meta).with_(**changes)


def model():
    params = {"area": Param(5000.0, 0.0), "position": Param(285.1), "fwhm": Param(1.3, 0.2, 5.0),
              "mix": Param(0.0, 0.0, 1.0, vary=False)}
    component = Component("p1", "C", "gl_sum", params, line="C 1s")
    return FitModel((281.0, 290.0), Background("constant", {"level": Param(200.0)}), (component,), "C 1s")


@pytest.fixture
def project():
    made = add_spectra(Project("P"), [spectrum(), spectrum("C 1s b", 1), spectrum("C 1s c", 2, "neutraliser on")])
    made = made.with_entry(made.entry("c_1s").with_fit(RegionFit("r1", model())))
    return work.fit_region(made, "c_1s", "r1")


def step(kind, **params):
    return Step(kind, tuple(params.items()))


def test_models_follow_scaled_intensities(project):
    """Fitted, normalised, fitted again from the scaled model: the same peak in other units."""
    before = project.entry("c_1s").fit("r1").model
    after = process.with_step(project, "c_1s", step("normalise", mode="factor", factor=1000.0))
    fit = after.entry("c_1s").fit("r1")
    assert fit.result is None
    assert fit.model.component("p1").value("area") == pytest.approx(before.component("p1").value("area") / 1000)
    assert fit.model.component("p1").value("position") == before.component("p1").value("position")
    again = work.fit_region(after, "c_1s", "r1").entry("c_1s").fit("r1").result
    result = project.entry("c_1s").fit("r1").result
    assert again.reduced_chi2 == pytest.approx(result.reduced_chi2, rel=1e-4)
    assert again.error("p1.position") == pytest.approx(result.error("p1.position"), rel=1e-3)
    back = process.with_recipe(after, "c_1s", after.entry("c_1s").recipe.without_kind("normalise"))
    assert back.entry("c_1s").fit("r1").model.component("p1").value("area") == pytest.approx(
        before.component("p1").value("area"))


def test_steps_are_kept_in_the_file(project, tmp_path):
    after = process.with_step(project, "c_1s", step("smooth", points=5.0, order=2.0))
    steps = after.entry("c_1s").recipe.steps
    after = process.with_recipe(after, "c_1s", replace(after.entry("c_1s").recipe,
                                                       steps=tuple(replace(s, enabled=False) for s in steps)))
    path = tmp_path / "p.sodalite"
    store.save(after, path)
    assert store.load(path).entry("c_1s").recipe == after.entry("c_1s").recipe


def test_refused_steps_change_nothing(project):
    with pytest.raises((BadData, BadModel)):
        process.with_step(project, "c_1s", step("rebin", channels=1.0))
    with pytest.raises(BadData, match="transmission"):
        process.with_step_for(project, ["c_1s", "c_1s_b"], step("transmission"))


def test_new_spectra(project):
    after, id = process.combined(project, ["c_1s", "c_1s_b"], "sum")
    entry = after.entry(id)
    assert entry.title == "Sum of C 1s, C 1s b"
    assert entry.sample == "s"
    assert entry.spectrum.y.sum() == sum(project.entry(i).spectrum.y.sum() for i in ("c_1s", "c_1s_b"))
    assert "Sum of" in after.history[-1].text
    _, id = process.combined(project, ["c_1s", "c_1s_b"], "difference", factor=0.5)
    with pytest.raises(BadData, match="two spectra"):
        process.combined(project, ["c_1s"], "ratio")
    with pytest.raises(BadModel):
        process.combined(project, ["c_1s", "c_1s_b"], "magic")


def test_repeats_drift_and_sum(project):
    after, id = process.combined(project, ["c_1s", "c_1s_b", "c_1s_c"], "repeats")
    found = drift(process.before_sum(after.entry(id)))
    assert np.all(np.abs(found.shifts) < 5 * found.shift_errors + 0.01)
    done = process.sum_sweeps(after, id, found)
    entry = done.entry(id)
    assert not entry.processed().navigation
    assert entry.spectrum.navigation, "the single sweeps stay"
    assert process.before_sum(entry).y.shape == entry.spectrum.y.shape
    again = process.sum_sweeps(done, id, None)
    assert [s.kind for s in again.entry(id).recipe.steps] == ["sum_sweeps"]


def test_noise_is_estimated_in_front(project):
    bare = project.with_entry(replace(project.entry("c_1s_b"), spectrum=spectrum("C 1s b", 1, noise=Noise())))
    bare = process.with_step(bare, "c_1s_b", step("rebin", channels=2.0))
    after, gain = process.estimate_noise(bare, "c_1s_b")
    assert gain.value == pytest.approx(1.0, abs=4 * gain.error)
    entry = after.entry("c_1s_b")
    assert [s.kind for s in entry.recipe.steps] == ["noise", "rebin"]
    assert entry.processed().noise.origin == "estimated"
    assert entry.processed().noise.gain == pytest.approx(gain.value)


# -- energies ---------------------------------------------------------------------------------------------------


def test_each_charge_state_has_its_shift(project):
    after = work.charge_reference(project, "s", 285.0, 284.8, "C 1s", charge_state="neutraliser on")
    assert [e.recipe.energy_shift for e in after.entries] == pytest.approx([0, 0, -0.2])
    after = work.charge_reference(after, "s", 285.0, 284.5, "C 1s", charge_state="")
    assert [e.recipe.energy_shift for e in after.entries] == pytest.approx([-0.5, -0.5, -0.2])
    after = work.reset_reference(after, "s", charge_state="neutraliser on")
    assert [e.recipe.energy_shift for e in after.entries] == pytest.approx([-0.5, -0.5, 0])
    told = process.with_step(project, "c_1s", step("charge_state", state="neutraliser on"))
    assert work.charge_state_of(told.entry("c_1s")) == "neutraliser on"


def test_energy_scale_then_shift(project):
    ids = [e.id for e in project.entries]
    after = process.energy_scale(project, ids, "c_1s", (84.10, 932.40), (83.96, 932.62), "Au and Cu")
    slope = (932.62 - 83.96) / (932.40 - 84.10)
    expected = 83.96 + slope * (285.0 - 84.10)
    entry = after.entry("c_1s")
    assert np.interp(285.0, X, entry.processed().x) == pytest.approx(expected, abs=1e-9)
    moved = entry.fit("r1").model.component("p1").value("position")
    was = project.entry("c_1s").fit("r1").model.component("p1").value("position")
    assert moved - was == pytest.approx(expected - 285.0, abs=1e-3)
    shifted = work.charge_reference(after, "s", 285.0, 284.8, "C 1s")
    assert [s.kind for s in shifted.entry("c_1s").recipe.steps] == ["energy_scale", "energy_shift"]
    with pytest.raises(BadData, match="charge-referenced"):
        process.energy_scale(shifted, ids, "c_1s", (84.10, 932.40), (83.96, 932.62), "Au and Cu")
    # A second calibration is read on the shown axis: lines that stand right already change nothing.
    again = process.energy_scale(after, ids, "c_1s", (83.96, 932.62), (83.96, 932.62), "Au and Cu")
    np.testing.assert_allclose(again.entry("c_1s").processed().x, entry.processed().x, atol=1e-9)
    reset = process.reset_scale(after, ids)
    assert reset.entry("c_1s").processed().x.tolist() == X.tolist()


def test_copy_calibration(project):
    source = process.energy_scale(project, ["c_1s_b"], "c_1s_b", (84.10, 932.40), (83.96, 932.62), "Au and Cu")
    source = source.with_entry(work.shifted_entry(source.entry("c_1s_b"), 0.4, "C 1s at 284.8 eV"))
    after = process.copy_calibration(source, "c_1s_b", ["c_1s", "c_1s_b", "c_1s_c"])
    for id in ("c_1s", "c_1s_c"):
        assert after.entry(id).recipe == source.entry("c_1s_b").recipe
    # Where only the shift differs results stay.
    plain = process.copy_calibration(
        project.with_entry(work.shifted_entry(project.entry("c_1s_b"), 0.4, "C 1s")), "c_1s_b", ["c_1s"])
    assert plain.entry("c_1s").fit("r1").result is not None


# -- ties ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def tied(project):
    """Two spectra whose areas are tied 1 : 0.5, fitted together."""
    made = project.with_entry(project.entry("c_1s_b").with_fit(RegionFit("r1", model())))
    made = joint.with_tie(made, "c_1s_b/r1/p1.area", "{c_1s/r1/p1.area} * 0.5")
    return work.fit_region(made, "c_1s", "r1")


LIVE = Step("normalise", (("mode", "factor"), ("factor", 8.0)))


def test_a_tied_partner_loses_its_result_too(tied):
    assert all(tied.entry(id).fits[0].result is not None for id in ("c_1s", "c_1s_b"))
    after = process.with_step(tied, "c_1s", LIVE)
    assert [after.entry(id).fits[0].result for id in ("c_1s", "c_1s_b")] == [None, None]


@pytest.mark.parametrize("which", [("c_1s",), ("c_1s_b",), ("c_1s", "c_1s_b")])
def test_ties_of_areas_follow_the_intensities(tied, which):
    truth = {id: tied.entry(id).fits[0].result.value("p1.area") for id in ("c_1s", "c_1s_b")}
    after = process.with_step_for(tied, which, LIVE)
    after = work.fit_region(after, "c_1s", "r1")
    for id, area in truth.items():
        # The same numbers, divided: a tie that kept its factor would be off by 8.
        wanted = area / 8 if id in which else area
        assert after.entry(id).fits[0].result.value("p1.area") == pytest.approx(wanted, rel=1e-3)
    for _ in range(20):  # forth and back: the formula does not grow
        for id in which:
            after = process.with_recipe(after, id, tied.entry(id).recipe)
        back = after
        after = process.with_step_for(after, which, LIVE)
    (tie,) = back.ties
    link = checked(tie.formula, tie.target)
    assert link.evaluate({link.names[0]: Dual(3.0, {})}).value == pytest.approx(1.5)
    assert len(tie.formula) < 80
