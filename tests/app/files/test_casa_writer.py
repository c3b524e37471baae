"""Models back into CasaXPS's lines: nothing changes without an edit, an edit changes only itself."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from app.files import read
from app.files.casa import casa_info, parse_comments
from app.files.casa_lines import component_text, layout, region_text
from app.files.casa_models import models_of
from app.files.casa_writer import casa_comments, vamas_spectrum
from app.files.export import write_vamas_file
from app.project import casa, work
from app.project.project import Entry, Project, RegionFit, Sample, Tie, add_spectra
from fitting.dataset import Axis
from fitting.identity import same
from fitting.model import Background, Component, FitModel, Param
from fitting.recipe import Recipe, Step
from tests.app.files.casa_text import CALIBRATION, SECTION, component, region, section
from tests.app.files.test_casa_models import HV, spectrum
from tests.app.files.test_mutated import _bytes, _lines, _numbers


def entry_of(comments, **changes):
    """A spectrum whose CasaXPS models were taken over."""
    entry = Entry("e", spectrum(comments, **changes), "s")
    taken = casa.take_over(Project(samples=(Sample("s", "s"),), entries=(entry,)))
    return taken.project.entry("e")


def edited(entry, change, at=0):
    fit = entry.fits[at]
    return entry.with_fit(RegionFit(fit.id, change(fit.model)))


def own_model(**background):
    params = {"area": Param(400.0, 0.0), "position": Param(285.0, 284.0, 286.0), "fwhm": Param(1.2, 0.3, 4.0),
              "mix": Param(0.2, 0.0, 1.0, vary=False)}
    second = dict(params, area=Param(100.0, link="p1.area * 0.25"), position=Param(287.0, link="p1.position + 2"))
    return FitModel((282.0, 290.0), Background("shirley", average=1, **background), (
        Component("p1", "C–C", "gl_sum", params, line="C 1s"), Component("p2", "C–O", "gl_sum", second, line="C 1s"),
    ), "C 1s")


@pytest.mark.parametrize("comments", [
    SECTION,
    section(region(), component(), calibrations=(CALIBRATION, "Calib M = 284.3 A = 284.5 [Regions Comps] BE ADD")),
    section(region(), component(), annotations=("1", "annot comps v2315 ExArea Font(35,Arial)", "")),
    section(region(), component(shape="XYZ(3)"), component(area_link=(0, 0.5), position_link=(0, -1.0))),
    section(region(background="Spline Linear"), component(at=1300.0), component()),
    section(region(), region(name="K 2p", start=1188.0, end=1189.9, tag="K 2p"),
            component(), component(at=1189.0, area_link=(0, 0.5), position_link=(0, -13.0))),
    section(before=("a first line",)),
    ("no CasaXPS here",),
    (),
])
@pytest.mark.parametrize("axis", ["binding_energy", "kinetic_energy"])
def test_without_an_edit_the_lines_are_the_same(comments, axis):
    low = 275.0 if axis == "binding_energy" else 1185.0
    raw = spectrum(comments, axis=axis, low=low, high=low + 27)
    if axis == "kinetic_energy" and any(line.startswith("Calib") for line in comments):
        raw = raw.with_(meta=replace(raw.meta, photon_energy=HV))
    before = Project(samples=(Sample("s", "s"),), entries=(Entry("e", raw, "s"),))
    taken = casa.take_over(before)
    written = casa_comments(taken.project.entry("e"), taken.project.ties)
    assert written.lines == raw.meta.comments
    assert written.warnings == ()
    assert casa_comments(before.entry("e")).lines == raw.meta.comments


def test_an_edited_number_changes_its_number_only():
    entry = edited(entry_of(SECTION), lambda m: m.with_values({"p1.area": 3000.0, "p2.area": 750.0}))
    lines = casa_comments(entry).lines
    expected = list(SECTION)
    expected[6] = SECTION[6].replace("Area 1000 ", "Area 1500 ")
    expected[7] = SECTION[7].replace("Area 250 ", "Area 375 ")
    assert lines == tuple(expected)


def test_values_of_linked_parameters_follow_their_formulas():
    entry = edited(entry_of(SECTION), lambda m: m.with_values({"p1.position": 284.8, "p1.fwhm": 1.3}))
    lines = casa_comments(entry).lines
    assert "Position 1201.8 1201.5 1202.2 -1" in lines[6]
    assert "Position 1200.3 0 0 0 -1.5" in lines[7]
    assert "MFWHM 1.3 0.5 2 0 1" in lines[7]


@pytest.mark.parametrize(("name", "param", "text"), [
    ("p1.position", Param(284.6, 284.0, 285.0), "Position 1202 1201.6 1202.6 -1 0"),
    ("p1.position", Param(284.6, vary=False), "Position 1202 1202 1202 -1 0"),
    ("p1.position", Param(284.6), "Position 1202 1190 1206 -1 0"),  # open ends: those of the region
    ("p1.area", Param(2000.0, 0.0), "Area 1000 1e-020 1e+20 -1 1"),
    ("p1.fwhm", Param(1.1, 0.5, 3.0), "MFWHM 1.1 0.5 3 -1 1"),
    ("p2.area", Param(500.0, 0.0, 1e4), "Area 250 1e-020 5000 -1 0.25"),  # the link was taken off
    ("p2.position", Param(286.0, link="p1.position + 1.4"), "Position 1200.6 0 0 0 -1.4"),
    ("p2.area", Param(800.0, link="0.4 * p1.area"), "Area 400 1e-020 1000000 0 0.4"),
    ("p2.fwhm", Param(1.0, link="p1.fwhm / 1.1"), "MFWHM 1 0.5 2 0 0.90909091"),
    ("p1.mix", Param(0.45, vary=False), "(*GL(45)*)"),
])
def test_bounds_and_links_that_were_edited(name, param, text):
    entry = edited(entry_of(SECTION), lambda m: m.with_params({name: param}))
    lines = casa_comments(entry).lines
    assert text in lines[6 if name.startswith("p1") else 7]
    assert sum(a != b for a, b in zip(lines, SECTION, strict=True)) == 1
    again = models_of(spectrum(lines)).models[0]
    assert again.params[name].value == pytest.approx(param.value, rel=1e-7)


@pytest.mark.parametrize("link", ["p1.area * 0.2 + p3.area", "p1.area ** 2", "p1.area + 3", "p1.area * 0.25 +- 5 %"])
def test_links_that_casaxps_does_not_have(link):
    comments = section(*SECTION[4:5], *SECTION[6:8], component(name="third"))
    entry = edited(entry_of(comments), lambda m: m.with_params({"p2.area": Param(500.0, link=link)}))
    written = casa_comments(entry)
    (text,) = written.warnings
    assert "CasaXPS has none like it" in text
    assert "-1 0.25 MFWHM" in written.lines[7]


def test_deleted_and_added_components_move_the_links():
    comments = section(region(), component(name="A"), component(name="B", at=1201.0),
                       component(name="C", area=500.0, at=1199.5, area_link=(1, 0.5), position_link=(1, -1.5)))
    entry = edited(entry_of(comments), lambda m: m.without("p1"))
    info = parse_comments(casa_comments(entry).lines)
    assert [(c.name, c.area_link, c.position_link) for c in info.components] == [("B", None, None), ("C", 0, 0)]

    def added(model):
        params = dict(model.component("p2").params, area=Param(60.0, link="p2.area * 0.1"))
        new = Component("p9", "new", "gl_sum", params, line="C 1s")
        return model.with_component(new)

    written = casa_comments(edited(entry_of(comments), added), fill=False)
    info = parse_comments(written.lines)
    assert [c.name for c in info.components] == ["A", "B", "C", "new"]
    assert (info.components[3].area_link, info.components[3].area_factor, info.components[3].rsf) == (1, 0.1, 0)
    assert "RSF 0 was written" in written.warnings[0]
    assert written.lines[: 4 + 1] == comments[:5]
    assert info.components[2] == parse_comments(comments).components[2]


def test_a_copied_component_is_a_second_one():
    entry = edited(entry_of(SECTION), lambda m: m.with_component(replace(m.component("p1"), id="p7", name="copy")))
    info = parse_comments(casa_comments(entry).lines)
    assert [c.name for c in info.components] == ["C 1s sp2", "C 1s C-O", "copy"]
    assert info.components[2].rsf == 0.278
    assert replace(info.components[2], name="C 1s sp2", shape="GL(30)") == info.components[0]


def test_a_deleted_region_goes_with_its_components_and_what_was_refused_stays():
    comments = section(region(), region(name="K 2p", start=1188.0, end=1189.9, tag="K 2p"), component(),
                       component(name="odd", shape="XYZ(1)"), component(name="K 2p", at=1189.0))
    entry = entry_of(comments, high=302.0)
    info = parse_comments(casa_comments(entry.without_fit(entry.fits[0].id)).lines)
    assert [r.name for r in info.regions] == ["K 2p"]
    assert [c.name for c in info.components] == ["odd", "K 2p"]


def test_a_moved_region_and_another_background():
    entry = edited(entry_of(SECTION), lambda m: replace(m, region=(281.0, 295.0)))
    assert "1191.6 1205.6 0.278" in casa_comments(entry).lines[4]
    entry = edited(entry_of(SECTION), lambda m: replace(m, background=Background("linear", average=4)))
    (changed,) = parse_comments(casa_comments(entry).lines).regions
    assert (changed.background, changed.average_width) == ("Linear", 5)
    entry = edited(entry_of(SECTION), lambda m: replace(m, background=Background("none")))
    written = casa_comments(entry)
    assert "CasaXPS has no background 'None'" in written.warnings[0]
    assert parse_comments(written.lines).regions == ()


def test_shapes_that_casaxps_does_not_have_are_left_out_with_a_warning():
    params = {"area": Param(1.0), "position": Param(285.0), "fwhm_g": Param(1.0), "fwhm_l": Param(0.3)}
    entry = edited(entry_of(SECTION), lambda m: m.with_component(Component("p8", "Voigt line", "voigt", params)))
    written = casa_comments(entry)
    assert written.lines == SECTION
    assert "'Voigt line' is left out" in written.warnings[0]


def test_a_new_charge_reference_is_one_calibration_more():
    comments = section(region(), component(), component(shape="XYZ(1)"), calibrations=(CALIBRATION,))
    project = casa.take_over(add_spectra(Project(), [spectrum(comments)])).project
    assert project.entries[0].recipe.energy_shift == pytest.approx(0.8)
    moved = work.charge_reference(project, project.samples[0].id, 284.6, 284.8, "C 1s")
    written, warnings = vamas_spectrum(moved.entries[0])
    assert warnings == ()
    # On the measured axis; the calibrations say the rest.
    assert same(written.axis, project.entries[0].spectrum.axis)
    info = casa_info(written)
    assert info.shift == pytest.approx(1.0)
    assert [c.actual - c.measured for c in info.calibrations] == pytest.approx([0.8, 0.2])
    # Taken over or not: everything moved with the scale.
    assert [c.position_ke for c in info.components] == pytest.approx([1201.8, 1201.8])
    assert (info.regions[0].start_ke, info.regions[0].end_ke) == pytest.approx((1189.8, 1205.8))
    again = casa.take_over(add_spectra(Project(), [written])).project.entries[0]
    assert same(again.processed().axis, moved.entries[0].processed().axis)
    assert again.fits[0].model.region == pytest.approx(moved.entries[0].fits[0].model.region)


def test_without_calibrations_the_axis_carries_the_shift():
    project = casa.take_over(add_spectra(Project(), [spectrum(SECTION)])).project
    moved = work.charge_reference(project, project.samples[0].id, 284.6, 285.0, "C 1s")
    written, _ = vamas_spectrum(moved.entries[0])
    np.testing.assert_allclose(written.x, project.entries[0].spectrum.x + 0.4, atol=1e-9)
    info = casa_info(written)
    assert (info.shift, info.components[0].position_ke) == (0, pytest.approx(1201.6))


def test_a_cropped_spectrum_keeps_its_calibrated_energies():
    comments = section(region(), component(), calibrations=(CALIBRATION,))
    entry = entry_of(comments)
    crop = Step("crop", (("low", 281.0), ("high", 292.0)))
    entry = replace(entry, recipe=entry.recipe.with_step(crop))
    written, _ = vamas_spectrum(entry)
    np.testing.assert_allclose(written.x + 0.8, entry.processed().x, atol=1e-9)
    assert written.meta.comments == comments


def test_own_models_become_lines():
    raw = spectrum(("a comment",))
    entry = Entry("e", raw, "s", fits=(RegionFit("r1", own_model()),))
    written = casa_comments(entry, fill=True)
    assert written.warnings == ()
    assert written.lines[-1] == "a comment"
    assert layout(written.lines) is not None
    info = parse_comments(written.lines)
    (area,) = info.regions
    assert (area.background, area.average_width, area.tag) == ("Shirley", 2, "C 1s")
    assert (area.start_ke, area.end_ke) == pytest.approx((HV - 290, HV - 282))
    first, second = info.components
    # 2 s a channel; Scofield's C 1s is 1 by definition; atomic weight of carbon.
    assert (first.area, first.rsf, first.tag, first.mass) == (200, 1, "C 1s", pytest.approx(12.011, abs=1e-3))
    assert (second.area_link, second.area_factor, second.position_link, second.position_offset) == (0, 0.25, 0, -2)
    back = models_of(raw.with_(meta=replace(raw.meta, comments=written.lines)))
    assert back.warnings == ()
    again = back.models[0]
    assert again.background == own_model().background
    for name, param in own_model().params.items():
        other = again.params[name]
        assert (other.value, other.link.replace(" ", "")) == (pytest.approx(param.value), param.link.replace(" ", ""))


def test_backgrounds_fitted_with_the_peaks_are_not_written_as_others():
    model = replace(own_model(), background=Background("shirley_active", {
        "level": Param(1), "tilt": Param(0), "step": Param(0.02), "loss_slope": Param(0.001)}))
    written = casa_comments(Entry("e", spectrum(()), "s", fits=(RegionFit("r1", model),)))
    assert "Region 'C 1s' is left out with its components" in written.warnings[0]
    assert parse_comments(written.lines).components == ()
    trapezoid = Entry("e", spectrum(()), "s", fits=(RegionFit("r1", own_model(quadrature="trapezoid")),))
    assert casa_comments(trapezoid).warnings


def test_own_fits_beside_casaxps_lines_that_were_not_taken():
    entry = Entry("e", spectrum(SECTION), "s", fits=(RegionFit("r1", own_model()),))
    written = casa_comments(entry)
    info = parse_comments(written.lines)
    assert [c.name for c in info.components] == ["C 1s sp2", "C 1s C-O", "C–C", "C–O"]
    assert (info.components[1].area_link, info.components[3].area_link) == (0, 2)
    assert any("stay beside" in text for text in written.warnings)


def test_a_calibration_that_is_not_used_is_taken_back():
    comments = section(region(), component(), calibrations=(CALIBRATION,))
    written = casa_comments(Entry("e", spectrum(comments), "s", fits=(RegionFit("r1", own_model()),)))
    info = parse_comments(written.lines)
    assert info.shift == pytest.approx(0)
    # CasaXPS's own line stays on its place on the data, ours where the program shows it.
    assert [HV - c.position_ke for c in info.components[:2]] == pytest.approx([283.8, 285.0])
    assert any("takes it back" in text for text in written.warnings)


def test_links_across_regions_need_the_same_spectrum():
    ties = (Tie("e/r1/p2.area", "{other/r1/p1.area} * 0.5"),)
    model = own_model().with_params({"p2.area": Param(100.0)})
    written = casa_comments(Entry("e", spectrum(()), "s", fits=(RegionFit("r1", model),)), ties)
    assert any("to another spectrum is left out" in text for text in written.warnings)


@pytest.mark.parametrize("comments", [
    ("Casa Info Follows", "0", "0", "2", region(), "0"),
    ("Casa Info Follows", "x"),
    (region(), component()),
    (*SECTION, component(name="behind")),
    ("Casa Info Follows",),
])
def test_an_order_that_is_not_known_is_left_alone(comments):
    assert layout(comments) is None
    written = casa_comments(Entry("e", spectrum(comments), "s", fits=(RegionFit("r1", own_model()),)))
    assert written.lines == comments
    assert "order that is not known" in written.warnings[0]


def test_texts_cannot_end_their_brackets():
    (casa_region,) = parse_comments([region()]).regions
    text = region_text(replace(casa_region, name="odd *) 1 2 3"))
    assert parse_comments([text]).regions[0].name == "odd ) 1 2 3"
    (casa_component,) = parse_comments([component()]).components
    text = component_text(replace(casa_component, tag="a\nb *)", line=""))
    assert parse_comments([text]).components[0].tag == "a b )"


def test_the_export_writes_and_warns(tmp_path):
    series = spectrum(())
    series = series.with_(counts=np.stack([series.counts] * 2), navigation=(Axis([0.0, 1.0], "time", "s"),))
    project = casa.take_over(add_spectra(Project(), [spectrum(SECTION), series])).project
    told = []
    (back,) = read(write_vamas_file(project, tmp_path / "a.vms", told.append))
    assert back.meta.comments == SECTION
    assert told == ["C 1s is a series, which VAMAS does not hold: split it first to write its spectra."]
    assert Recipe() == project.entries[0].recipe


def _changed_lines(cases, seed):
    """Lines changed at random: models or warnings, never a crash, and without an edit the same lines again."""
    rng = random.Random(f"casa {seed}")
    good = "\n".join(section(
        region(), component(), component(area_link=(0, 0.25), position_link=(0, -1.5)),
        component(shape="SGL(20)", fwhm_link=(1, 1.1)), calibrations=(CALIBRATION,),
    )).encode()  # fmt: skip
    taken = 0
    for _ in range(cases):
        change = rng.choice([_numbers, _numbers, _numbers, _lines, _bytes])
        comments = tuple(change(rng, good).decode("latin-1").split("\n"))
        project = casa.take_over(add_spectra(Project(), [spectrum(comments)])).project
        (entry,) = project.entries
        taken += casa.is_taken(entry)
        lines = casa_comments(entry, project.ties).lines
        assert [line.lstrip("0") for line in lines] == [line.lstrip("0") for line in comments]
    return taken


def test_changed_lines():
    assert _changed_lines(300, 1) > 100


@pytest.mark.full
def test_changed_lines_long(measured):
    measured("CasaXPS lines changed at random and taken over", _changed_lines(20_000, 2), "of 20000")


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["FeO_analyzed", "MoS2_WS2_assigned", "ARXPS", "NiW_0-150W"])
def test_measured_files_come_back_with_every_line(realdata, tmp_path, name):
    """Read, taken over, written, read and taken over again: comments, axes, counts and models are equal."""
    spectra = read(realdata / "xps" / f"{name}.vms")
    taken = casa.take_over(add_spectra(Project(), spectra))
    told = []
    back = read(write_vamas_file(taken.project, tmp_path / "a.vms", told.append))
    assert told == []
    for old, new in zip(spectra, back, strict=True):
        assert new.meta.comments == old.meta.comments
        assert same((new.axis, new.counts, new.transmission), (old.axis, old.counts, old.transmission))
    again = casa.take_over(add_spectra(Project(), back)).project
    for one, other in zip(taken.project.entries, again.entries, strict=True):
        assert [f.model for f in one.fits] == [f.model for f in other.fits]
        assert one.recipe == other.recipe
