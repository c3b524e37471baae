"""CasaXPS's regions and components as models: energies, areas, bounds, links, doublets, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.files import read
from app.files.casa_models import casa_rsf, models_of
from app.files.casa_scale import casa_shift
from app.files.casa_shapes import shape_of, text_of
from fitting.curves import curves
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.recipe import Recipe, energy_shift
from fitting.shapes import SHAPES
from libraries.errors import BadData, NotDetermined
from tests.app.files.casa_text import CALIBRATION, SECTION, component, region, section

HV = 1486.6


def spectrum(comments, *, axis="binding_energy", unit="counts", dwell=0.5, sweeps=4.0, low=275.0, high=300.0):
    """Flat data in steps of 0.1 eV; by default 2 s a channel."""
    x = np.round(np.arange(low, high, 0.1), 6)
    meta = Meta(technique="xps", region="C 1s", photon_energy=HV if axis == "binding_energy" else None,
                dwell_time=dwell, sweeps=sweeps, intensity_unit=unit, comments=tuple(comments))
    return Spectrum(Axis(x, axis), np.full(x.size, 100.0), Noise("poisson", 1.0), meta)


def test_a_region_with_a_linked_pair_and_every_number():
    found = models_of(spectrum(SECTION))
    assert (found.shift, found.warnings, found.ties) == (0, (), ())
    (model,) = found.models
    assert model.name == "C 1s"
    assert model.region == pytest.approx((280.6, 296.6), abs=1e-9)  # 1486.6 - 1206, 1486.6 - 1190
    assert (model.background.kind, model.background.average) == ("shirley", 1)
    major, minor = model.components
    assert (major.id, major.name, major.shape, minor.shape) == ("p1", "C 1s sp2", "gl_product", "gl_sum")
    area, position, fwhm, mix = (major.param(n) for n in ("area", "position", "fwhm", "mix"))
    # Areas are rates: times 0.5 s, times 4 sweeps.
    assert (area.value, area.minimum, area.maximum) == (2000, 2e-20, 2e6)
    # The lower limit of kinetic energy is the upper one of binding energy.
    assert (position.value, position.minimum, position.maximum) == pytest.approx((284.6, 284.4, 285.1), abs=1e-9)
    assert (fwhm.value, fwhm.minimum, fwhm.maximum) == (1.1, 0.5, 2)
    assert (mix.value, mix.vary) == (0.3, False)
    assert minor.param("area").link == "p1.area * 0.25"
    assert minor.param("position").link == "p1.position + 1.5"  # -1.5 eV of kinetic energy
    assert minor.param("fwhm").link == "p1.fwhm"
    assert minor.value("position") == pytest.approx(286.1, abs=1e-9)
    assert (major.line, minor.line, minor.doublet) == ("C 1s", "C 1s", "")
    notes = dict(major.extra)
    assert (notes["casa rsf"], notes["casa mass"], notes["casa index"], notes["casa tag"]) == (
        "0.278", "12.011", "-1", "C 1s")
    assert notes["casa line"] == SECTION[6]
    assert casa_rsf(major) == 0.278
    assert (major.tag, minor.tag) == ("", "loss")


def test_kinetic_axes_keep_their_direction():
    kinetic = spectrum(SECTION, axis="kinetic_energy", low=1185.0, high=1212.0)
    (model,) = models_of(kinetic).models
    assert model.region == (1190, 1206)
    major, minor = model.components
    assert major.value("position") == 1202
    assert minor.param("position").link == "p1.position - 1.5"


@pytest.mark.parametrize(("unit", "dwell", "factor", "warned"), [
    ("counts", 0.5, 2.0, False), ("counts/s", 0.5, 1.0, False), ("counts", None, 1.0, True),
    ("arbitrary", 0.5, 1.0, True),
])
def test_areas_are_rates(unit, dwell, factor, warned):
    found = models_of(spectrum(SECTION, unit=unit, dwell=dwell))
    assert found.models[0].components[0].value("area") == 1000 * factor
    assert any("Dwell time" in text for text in found.warnings) == warned


def test_calibrations_become_one_shift_and_are_not_applied_to_the_model():
    raw = spectrum(section(region(), component(), calibrations=(CALIBRATION, "Calib M = 284.3 A = 284.5 BE ADD")))
    found = models_of(raw)
    assert found.shift == pytest.approx(1.0, abs=1e-9)
    # Energies of CasaXPS are on the calibrated scale already.
    assert found.models[0].components[0].value("position") == pytest.approx(284.6, abs=1e-9)


def test_a_calibration_by_the_maximum_of_a_range_is_taken_from_the_data():
    comments = section(region(), component(), calibrations=("Calib M = 280,281 A = 284.8 BE ADD",))
    flat = spectrum(comments)
    top = flat.y.copy()
    top[np.argmin(abs(flat.x - 280.4))] += 50
    found = models_of(flat.with_(counts=top))
    assert found.shift == pytest.approx(4.4, abs=1e-6)
    assert "taken from the data: +4.400 eV" in found.warnings[0]
    with pytest.raises(NotDetermined, match="where there are no data"):
        casa_shift(spectrum(section(calibrations=("Calib M = 700,701 A = 705 BE ADD",))))


def test_a_doublet_is_recognised_by_level_ratio_and_side():
    mo = {"name": "Mo 3d MoS2", "tag": "Mo 3d"}
    pair = [component(**mo), component(**mo, at=1200.4, area_link=(0, 0.66666667), position_link=(0, -1.6))]
    major, minor = models_of(spectrum(section(region(name="Mo 3d", tag="Mo 3d"), *pair))).models[0].components
    assert (major.line, minor.line, minor.doublet) == ("Mo 3d5/2", "Mo 3d3/2", "p1")
    wrong_ratio = component(**mo, at=1200.4, area_link=(0, 0.5), position_link=(0, -1.6))
    wrong_side = component(**mo, at=1203.6, area_link=(0, 0.66666667), position_link=(0, 1.6))
    for other in (wrong_ratio, wrong_side):
        a, b = models_of(spectrum(section(region(name="Mo 3d", tag="Mo 3d"), pair[0], other))).models[0].components
        assert (a.line, b.line, b.doublet) == ("Mo 3d", "Mo 3d", "")


def test_lines_are_read_from_name_tag_region_and_block():
    names = ["S 2s", "Mo 3d, 5/2", "C1s scan", "satellite"]
    parts = [component(name=name, tag="N 1s") for name in names]
    found = models_of(spectrum(section(region(), *parts))).models[0].components
    assert [c.line for c in found] == ["S 2s", "Mo 3d", "C 1s", "N 1s"]


def test_fixed_open_and_odd_limits():
    held = component(at=1202.0, limits=(1202.0, 1202.0))
    unbound = component(at=1202.0, limits=(0, 0))
    outside = component(at=1202.0, limits=(1203.0, 1204.0))
    reverse = component(at=1202.0, limits=(1204.0, 1200.0))
    found = models_of(spectrum(section(region(), held, unbound, outside, reverse)))
    places = [c.param("position") for c in found.models[0].components]
    assert [p.vary for p in places] == [False, True, True, True]
    assert np.isinf(places[1].maximum)
    assert (places[2].minimum, places[2].maximum) == pytest.approx((282.6, 284.6), abs=1e-9)
    assert np.isinf(places[3].minimum)
    assert any("outside its limits" in text for text in found.warnings)
    assert any("reversed" in text for text in found.warnings)


def test_what_is_not_understood_is_refused_and_said():
    strange = component(name="odd", shape="XYZ(1,2)")
    away = component(name="away", at=1300.0)
    child = component(name="child", area_link=(0, 0.5), position_link=(1, 1.0))
    found = models_of(spectrum(section(region(), strange, away, child)))
    assert [c.name for c in found.models[0].components] == ["child"]
    assert not found.models[0].components[0].param("area").link
    text = "\n".join(found.warnings)
    assert "The shape XYZ(1,2) of 'odd' at 284.60 eV is not known" in text
    assert "'away' at 186.60 eV lies in no region" in text
    assert text.count("was linked to a component that is left out") == 2


def test_an_unknown_background_is_said():
    found = models_of(spectrum(section(region(background="Spline Shirley"), component())))
    assert found.models[0].background.kind == "linear"
    assert "'Spline Shirley'" in found.warnings[0]
    assert any("end offsets" in w for w in models_of(spectrum(section(region(offsets=(1, 0)), component()))).warnings)


def test_links_in_a_circle_are_cut():
    a = component(area_link=(1, 2.0))
    b = component(area_link=(0, 0.5), position_link=(1, 1.0))
    found = models_of(spectrum(section(region(), a, b)))
    assert sum("in a circle" in text for text in found.warnings) >= 2
    assert all(not c.param("area").link for c in found.models[0].components)


def test_links_between_regions_are_given_apart():
    regions = (region(), region(name="K 2p", start=1188.0, end=1189.9, tag="K 2p"))
    child = component(name="K 2p", at=1189.0, tag="K 2p", area_link=(0, 0.5), position_link=(0, -13.0))
    found = models_of(spectrum(section(*regions, component(), child), high=302.0))
    assert [len(model.components) for model in found.models] == [1, 1]
    assert [(t.model, t.target, t.other, t.source, t.formula) for t in found.ties] == [
        (1, "p2.area", 0, "p1.area", "{} * 0.5"), (1, "p2.position", 0, "p1.position", "{} + 13")]


def test_of_overlapping_regions_the_tag_decides():
    regions = (region(tag="A"), region(name="other", tag="B"))
    found = models_of(spectrum(section(*regions, component(tag="B"), component(tag="C"))))
    assert [[c.id for c in m.components] for m in found.models] == [["p2"], ["p1"]]


def test_a_region_without_data_is_left_out():
    found = models_of(spectrum(section(region(start=700.0, end=720.0), component())))
    assert found.models == ()
    assert "holds no data" in found.warnings[0]


def test_no_energies_no_models():
    far = spectrum(SECTION)
    loss = far.with_(axis=Axis(far.x, "energy_loss"))
    with pytest.raises(BadData, match="binding or kinetic"):
        models_of(loss)
    assert models_of(spectrum(())).models == ()


SHAPES_AS_TEXT = [
    # CasaXPS's text, our shape, its held parameters (science notes: GL(m) product, SGL(m) sum, m in percent)
    ("GL(30)", "gl_product", {"mix": 0.3}),
    ("SGL(83.5)", "gl_sum", {"mix": 0.835}),
    ("LA(1.53,243)", "la", {"alpha": 1.53, "beta": 1.53, "n": 243}),
    ("LA(1.3,2.5,11)", "la", {"alpha": 1.3, "beta": 2.5, "n": 11}),
    ("LA(90)", "la", {"alpha": 1, "beta": 1, "n": 140.1}),
    ("LF(0.54,10,80,100,6)", "lf", {"alpha": 0.54, "beta": 10, "w": 80, "n": 100, "m": 6}),
    ("GL(30)T(1.5)", "gl_t", {"mix": 0.3, "k": 1.5}),
    ("SGL(10)T(0.9)", "sgl_t", {"mix": 0.1, "k": 0.9}),
]


@pytest.mark.parametrize(("text", "name", "held"), SHAPES_AS_TEXT)
def test_shapes_and_their_texts(text, name, held):
    assert set(held) < set(SHAPES[name].names)
    known = shape_of(text)
    assert known is not None
    assert known[0] == name
    assert dict(known[1]) == pytest.approx(held)
    assert text_of(name, held, text) == text
    assert shape_of(text_of(name, held)) == (name, known[1])
    changed = dict(held)
    changed[next(iter(held))] *= 1.01
    other = text_of(name, changed, text)
    assert other != text
    assert dict(shape_of(other)[1]) == pytest.approx(changed)


@pytest.mark.parametrize("text", ["GL(130)", "GL(x)", "GL()", "GL(30)T(0)", "A(0.3,0.4,10)GL(30)",
                                  "DS(0.1,50)", "LA(0.4,100)", "LA(10)",
                                  "LF(1,1,1,600,6)", "LA(nan,1)", "", "GL"])
def test_shapes_that_are_not_known(text):
    assert shape_of(text) is None


def test_shapes_that_casaxps_does_not_have():
    assert text_of("voigt", {"area": 1, "position": 0, "fwhm_g": 1, "fwhm_l": 1}) is None


# ------------------------------------------------------------------------------------------------------ measured files


def _processed(raw, shift):
    return Recipe((energy_shift(shift, ""),)).apply(raw) if shift else raw


@pytest.mark.realdata
def test_curves_are_those_that_casaxps_exported(realdata, measured):
    """The components and the background of FeO against CasaXPS's own columns, in counts/s."""
    (raw,) = read(realdata / "xps" / "FeO_analyzed.vms")
    columns = read(realdata / "xps" / "FeO_analyzed_lineshapes_cols.txt")
    background = next(c for c in columns if c.curve.startswith("background"))
    exported = [c for c in columns if c.curve.startswith("component")]
    found = models_of(raw)
    (model,) = found.models
    drawn = curves(raw, model)
    assert raw.meta.live_time == 2.0
    for component_, curve in drawn.components:
        at = int(component_[1:]) - 1
        part = exported[at].axis.window(drawn.x[0] - 1e-6, drawn.x[-1] + 1e-6)
        truth = (exported[at].y - background.y)[part]
        rms = float(np.sqrt(np.mean((curve - truth) ** 2))) / raw.meta.live_time
        name = f"CasaXPS component {at + 1} ({model.component(component_).shape}): rms of the curve"
        measured(name, rms, "cps", "<= 1.5")
        assert rms <= 1.5
    assert [c.id for c in model.components] == ["p1", "p2", "p3", "p4"]
    part = background.axis.window(drawn.x[0] - 1e-6, drawn.x[-1] + 1e-6)
    rms = float(np.sqrt(np.mean((drawn.background - background.y[part]) ** 2))) / raw.meta.live_time
    measured("CasaXPS U 3 Tougaard: rms of the background", rms, "cps", "<= 1")
    assert rms <= 1


@pytest.mark.realdata
def test_the_stored_strength_of_tougaard_is_the_one_that_meets_the_data(realdata, measured):
    """B of 12 regions against ours: this holds with three points at each end only (five: off by up to 4 %)."""
    ratios = []
    for raw in read(realdata / "xps" / "MoS2_WS2_assigned.vms"):
        found = models_of(raw)
        for model in found.models:
            if model.background.kind == "tougaard" and model.background.setting("rescale", 1.0):
                processed = _processed(raw, found.shift)
                met = curves(processed, model).background
                settings = (*model.background.settings, ("rescale", 0.0))
                kept = curves(processed, replace(model, background=replace(model.background, settings=settings)))
                assert met[-1] > met[0]
                ratios.append((kept.background[-1] - kept.background[0]) / (met[-1] - met[0]))
    assert len(ratios) == 11
    worst = float(np.max(np.abs(np.array(ratios) - 1)))
    measured("CasaXPS B of 11 Tougaard regions: largest difference from ours", 100 * worst, "%", "<= 0.5")
    assert worst <= 5e-3


@pytest.mark.realdata
def test_areas_fill_the_data(realdata):
    """Counts, 5 sweeps: areas are counts eV over dwell time and sweeps, else they would be 5 times too small."""
    ratios = []
    for raw in read(realdata / "xps" / "MoS2_WS2_assigned.vms"):
        found = models_of(raw)
        for model in found.models:
            if model.components:
                drawn = curves(_processed(raw, found.shift), model)
                ratios.append(np.sum(drawn.y - drawn.background) / np.sum(drawn.envelope - drawn.background))
    assert len(ratios) == 15
    np.testing.assert_allclose(ratios, 1, atol=0.08)  # as well as CasaXPS's user fitted them


@pytest.mark.realdata
def test_doublets_and_links_of_a_measured_file(realdata):
    raw = next(s for s in read(realdata / "xps" / "MoS2_WS2_assigned.vms") if s.name == "1: S 2p")
    found = models_of(raw)
    (model,) = found.models
    assert found.shift == 3.6301
    high, low = model.component("p3"), model.component("p4")
    assert (high.line, low.line, low.doublet) == ("S 2p3/2", "S 2p1/2", "p3")
    assert (low.param("area").link, low.param("position").link) == ("p3.area * 0.5", "p3.position + 1.16")
    assert high.value("area") == pytest.approx(5317.9403 * raw.meta.live_time, rel=1e-12)
    assert low.value("area") == pytest.approx(2658.9701 * raw.meta.live_time, rel=1e-12)


@pytest.mark.parametrize("width", [0.0, -1.0])
def test_a_component_without_width_is_left_out_and_said(width):
    found = models_of(spectrum(section(region(), component(fwhm=width))))
    assert found.models[0].components == ()
    assert any("has a width of" in text for text in found.warnings)
