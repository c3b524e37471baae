"""CasaXPS's models, calibrations and factors taken over into a project."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.files import read
from app.project import casa, work
from app.project.project import Project, RegionFit, add_spectra
from fitting.model import Background, FitModel
from fitting.recipe import Recipe, energy_shift
from libraries.errors import NotDetermined
from libraries.sensitivity import FactorSet
from tests.app.files.casa_text import CALIBRATION, SECTION, component, region, section
from tests.app.files.test_casa_models import spectrum


def project_of(*spectra):
    return add_spectra(Project(), list(spectra))


def test_regions_components_and_one_shift():
    comments = section(region(), component(), calibrations=(CALIBRATION,))
    before = project_of(spectrum(comments), spectrum(section(calibrations=(CALIBRATION,))), spectrum(()))
    assert casa.offered(before) == (before.entries[0].id,)
    taken = casa.take_over(before)
    assert (taken.regions, taken.components, taken.shifts, taken.warnings) == (1, 1, 2, ())
    assert str(taken) == "1 region and 1 component of CasaXPS taken over, 2 spectra calibrated"
    assert [e.recipe.energy_shift for e in taken.project.entries] == pytest.approx([0.8, 0.8, 0])
    assert [len(e.recipe.steps) for e in taken.project.entries] == [1, 1, 0]
    assert "CasaXPS" in taken.project.entries[0].recipe.charge_reference()
    assert casa.offered(taken.project) == ()


def test_never_twice():
    comments = section(region(), component(), calibrations=(CALIBRATION,))
    once = casa.take_over(project_of(spectrum(comments))).project
    twice = casa.take_over(once)
    assert (twice.regions, twice.shifts) == (0, 0)
    assert twice.project.entries[0].recipe.energy_shift == pytest.approx(0.8)
    assert len(twice.project.entries[0].fits) == 1


def test_an_own_charge_reference_is_kept_and_the_models_follow():
    comments = section(region(), component(), calibrations=(CALIBRATION,))
    project = project_of(spectrum(comments))
    project = work.charge_reference(project, project.samples[0].id, 284.0, 285.0, "C 1s at 285.0 eV")
    taken = casa.take_over(project)
    (entry,) = taken.project.entries
    assert entry.recipe == project.entries[0].recipe
    assert "was kept" in taken.warnings[0]
    # At 284.6 on CasaXPS's scale, which is 0.2 eV below ours.
    assert entry.fits[0].model.components[0].value("position") == pytest.approx(284.8)


def test_own_regions_stay_where_they_lie_on_the_data():
    own = FitModel((280.0, 290.0), Background("linear"), (), "own")
    project = project_of(spectrum(section(region(), component(), calibrations=(CALIBRATION,))))
    project = project.with_entry(project.entries[0].with_fit(RegionFit("r1", own)))
    (entry,) = casa.take_over(project).project.entries
    assert [fit.id for fit in entry.fits] == ["r1", "r1_2"]
    assert entry.fits[0].model.region == pytest.approx((280.8, 290.8))


def test_only_the_named_spectra():
    project = project_of(spectrum(SECTION), spectrum(SECTION))
    taken = casa.take_over(project, [project.entries[1].id])
    assert [len(entry.fits) for entry in taken.project.entries] == [0, 1]


def test_a_file_that_cannot_be_carried_over_is_told():
    loss = spectrum(SECTION)
    loss = loss.with_(axis=type(loss.axis)(loss.x, "energy_loss"))
    taken = casa.take_over(project_of(loss))
    assert taken.regions == 0
    assert "binding or kinetic energy" in taken.warnings[0]


def test_links_between_regions_become_ties():
    comments = section(
        region(), region(name="K 2p", start=1188.0, end=1189.9, tag="K 2p"), component(),
        component(at=1189.0, tag="K 2p", area_link=(0, 0.5), position_link=(0, -13.0)),
    )
    taken = casa.take_over(project_of(spectrum(comments, high=302.0)))
    id = taken.project.entries[0].id
    assert [(tie.target, tie.formula) for tie in taken.project.ties] == [
        (f"{id}/r1_2/p2.area", f"{{{id}/r1/p1.area}} * 0.5"),
        (f"{id}/r1_2/p2.position", f"{{{id}/r1/p1.position}} + 13"),
    ]


def test_factors_become_a_set():
    comments = section(region(), component(), component(name="S 2s", rsf=0.4), component(name="O 1s", rsf=0))
    taken = casa.take_over(project_of(spectrum(comments)))
    ((name, text),) = taken.project.factor_sets
    factors = FactorSet.from_csv(text)
    assert name == factors.name == casa.SET_NAME
    assert {row.line.name: row.value for row in factors.rows} == {"C 1s": 0.278, "S 2s": 0.4}
    assert factors.contains == ("sigma", "L", "lambda")
    assert not taken.project.samples[0].factors  # chosen by the analyst, not by the import
    several = section(region(), component(), component(rsf=0.3), component(rsf=0.3))
    taken = casa.take_over(project_of(spectrum(several)))
    assert "C 1s has several factors in CasaXPS (0.278, 0.3)" in taken.warnings[0]
    assert FactorSet.from_csv(taken.project.factor_sets[0][1]).factor("C 1s").value == 0.3


def elements(table):
    return {row.element: row.at_percent for row in table.elements}


def test_composition_is_that_of_the_stored_numbers():
    comments = section(
        region(), component(name="Mo 3d", area=900.0, rsf=9.5, tag="Mo 3d"),
        component(name="Mo 3d", area=600.0, area_link=(0, 0.66666667), at=1200.4, position_link=(0, -1.6), rsf=9.5,
                  tag="Mo 3d"),
        component(name="S 2s", area=250.0, at=1199.0, rsf=0.4, tag="S 2s"), calibrations=(CALIBRATION,),
    )
    raw = spectrum(comments)
    raw = raw.with_(transmission=np.linspace(1.0, 1.4, raw.x.size))
    project = casa.take_over(project_of(raw)).project
    found = elements(casa.composition(project, project.samples[0].id))
    assert found == pytest.approx(elements(work.casa_composition(raw)), rel=2e-3)
    mo, s = 1500 / 9.5, 250 / 0.4
    assert found["Mo"] == pytest.approx(100 * mo / (mo + s), abs=0.6)  # T differs by a few percent at most
    with pytest.raises(NotDetermined, match="No component came from CasaXPS"):
        casa.composition(project_of(spectrum(())), "sample")


def test_fitted_regions_count_with_their_errors():
    peak = component(shape="SGL(30)", area=2000.0, limits=(1200.0, 1204.0))
    raw = spectrum(section(region(background="Linear"), peak))
    from fitting.curves import curves

    project = casa.take_over(project_of(raw)).project
    truth = curves(raw, project.entries[0].fits[0].model)
    counts = raw.y.copy()
    counts[raw.axis.window(*project.entries[0].fits[0].model.region)] += truth.components[0][1]
    noisy = raw.with_(counts=np.random.default_rng(3).poisson(counts))
    project = casa.take_over(project_of(noisy)).project
    project = work.fit_all(project)
    assert project.entries[0].fits[0].result.success
    (row,) = casa.composition(project, project.samples[0].id).rows
    assert row.factor == 0.278
    assert row.factor_source.startswith("CasaXPS")
    assert row.area_err > 0
    assert abs(row.area - 2000) < 4 * row.area_err


@pytest.mark.realdata
def test_measured_at_percent(realdata):
    """Elements of every block of a file with their CasaXPS factors, as they stand and after taking over."""
    spectra = read(realdata / "xps" / "MoS2_WS2_assigned.vms")
    compared = 0
    for raw in spectra:
        expected = work.casa_composition(raw)
        if expected is None:
            continue
        project = casa.take_over(project_of(raw)).project
        found = casa.composition(project, project.samples[0].id)
        assert elements(found) == pytest.approx(elements(expected), abs=0.02)
        compared += 1
    assert compared == 15


@pytest.mark.realdata
def test_the_factor_set_gives_the_same_composition(realdata):
    """Fitted again, quantified with the set chosen for the sample and with the factor of each component."""
    spectra = [s for s in read(realdata / "xps" / "MoS2_WS2_assigned.vms") if s.meta.sample == "RW_WS2_MoS2"]
    project = casa.take_over(project_of(*spectra)).project
    project = work.fit_all(project.with_sample(replace(project.samples[0], factors=casa.SET_NAME)))
    sample = project.samples[0].id
    found = elements(work.composition(project, sample))
    assert set(found) == {"Mo", "S", "W"}
    assert found == pytest.approx(elements(casa.composition(project, sample)), rel=1e-9)


@pytest.mark.realdata
def test_calibrations_of_a_measured_file_are_applied_once(realdata):
    raw = next(s for s in read(realdata / "xps" / "MoS2_WS2_assigned.vms") if s.name == "C 1s")
    project = casa.take_over(project_of(raw)).project
    (entry,) = project.entries
    assert [step for step in entry.recipe.steps if step.kind == "energy_shift"] == [
        energy_shift(3.6301, entry.recipe.steps[0].note)]
    shifted = entry.processed()
    # The last calibration of the file put the C 1s line at 284.8 eV.
    assert shifted.x[np.argmax(shifted.y)] == pytest.approx(284.8, abs=0.1)


@pytest.mark.parametrize("line", ["Calib M = 1e308 A = -1e308 BE ADD", "Calib M = 1e300 A = 0 BE ADD"])
def test_one_senseless_calibration_stops_no_other_spectrum(line):
    good = section(region(), component())
    taken = casa.take_over(project_of(spectrum(section(region(), component(), calibrations=(line,))), spectrum(good)))
    assert (taken.regions, taken.shifts) == (1, 0)
    assert [len(e.fits) for e in taken.project.entries] == [0, 1]
    assert len(taken.warnings) == 1


def test_a_shift_that_is_switched_off_is_no_reference_and_stays():
    comments = section(region(), component(), calibrations=(CALIBRATION,))
    project = project_of(spectrum(comments))
    off = replace(energy_shift(2.0, "tried"), enabled=False)
    project = project.with_entry(replace(project.entries[0], recipe=Recipe((off,))))
    taken = casa.take_over(project)
    assert taken.shifts == 1
    assert taken.project.entries[0].recipe.energy_shift == pytest.approx(0.8)
    assert off in taken.project.entries[0].recipe.steps
