"""Fits of every pixel, regions at places of an image: against known truth and against single fits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.project import work
from app.project.image_fit import AMOUNT_ZERO, fit_image, image_maps, model_at, runs, without_run
from app.project.place_words import place_words
from app.project.project import Project, add_spectra
from app.project.region_at import pixels_at, region_at, scaled
from fitting import guess
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.engine import fit
from fitting.image.place import ALL, Place, Roi
from fitting.model import Background, Component, FitModel, Param, from_json
from fitting.shapes import shape
from libraries.errors import BadData, BadModel, Cancelled

X = 10 + 0.1 * np.arange(200)
GAIN = 1.0


def model(area=400.0, at=20.0, fwhm=2.5):
    """A Gaussian-Lorentzian line on a constant."""
    values = {"area": area, "position": at, "fwhm": fwhm, "mix": 0.3}
    params = {p.name: Param(values[p.name], p.minimum, p.maximum, vary=p.name != "mix")
              for p in shape("gl_sum").parameters}
    params["fwhm"] = Param(fwhm, 0.2, 15.0)
    params["position"] = Param(at, 10.0, 30.0)
    return FitModel((10.0, 29.9), Background("constant", {"level": Param(20.0)}),
                    (Component("p1", "Plasmon", "gl_sum", params),), name="Low loss")


def truth(rows=12, columns=10):
    """Position of the line in every pixel."""
    y, x = np.mgrid[0:rows, 0:columns]
    return 18.0 + 4.0 * x / columns + 0.5 * np.sin(y)


def image(rows=12, columns=10, seed=5, empty=None):
    """Poisson counts of the line at `truth`; no line in the pixels of `empty`."""
    rng = np.random.default_rng(seed)
    gl = shape("gl_sum")
    at, counts = truth(rows, columns), np.empty((rows, columns, X.size))
    for i in range(rows):
        for j in range(columns):
            there = empty is None or not empty[i, j]
            line = gl.evaluate(X, 400.0, at[i, j], 2.5, 0.3)[0] if there else 0.0
            counts[i, j] = rng.poisson(20.0 + line)
    nav = (Axis(2.0 * np.arange(rows), "distance", "nm"), Axis(2.0 * np.arange(columns), "distance", "nm"))
    meta = Meta(title="Image", region="Low loss", technique="eels")
    return Spectrum(Axis(X, "energy_loss", "eV"), counts, Noise("poisson", GAIN), meta, None, nav)


def project(spectrum=None, fitted=True):
    """The image with a region fitted to the sum."""
    made = add_spectra(Project(), [spectrum or image()])
    entry = made.entries[0]
    made, region = work.add_region(made, entry.id, 10.0, 29.9)
    entry = made.entry(entry.id)
    made = made.with_entry(entry.with_fit(replace(entry.fit(region), model=scaled(model(), 120))))
    return (work.fit_region(made, entry.id, region) if fitted else made), entry.id, region


def named(maps, parameter):
    """The map of a parameter."""
    return next(m for m in maps if m.param("parameter") == parameter)


def test_maps_find_the_truth_with_honest_errors():
    made, entry, region = project()
    maps = fit_image(made, entry, region).entry(entry).maps
    assert [m.param("parameter") or m.param("quantity") for m in maps] == [
        "p1.area", "p1.position", "p1.fwhm", "background.level", "reduced_chi2", "status"]
    position = named(maps, "p1.position")
    assert position.unit == "eV"
    assert position.name == "Plasmon, position"
    assert position.good.all()
    pulls = (position.values - truth()) / position.error
    # 120 pulls of N(0, 1): mean within 3 / sqrt(120), standard deviation within 3 / sqrt(240).
    assert abs(pulls.mean()) < 0.28
    assert abs(pulls.std() - 1) < 0.2
    assert len({m.group for m in maps}) == 1
    assert all("Poisson noise" in m.origin for m in maps)
    assert named(maps, "p1.area").unit == "counts eV"


def test_a_pixel_of_the_maps_is_its_single_fit():
    made, entry, region = project()
    after = fit_image(made, entry, region).entry(entry)
    single = fit(after.processed().at(3, 7), scaled(after.fit(region).model, 1 / 120))
    found = model_at(after, region, (3, 7))
    for name in single.free:
        assert found.params[name].value == pytest.approx(single.value(name), rel=2e-5)
        assert named(after.maps, name).error[3, 7] == pytest.approx(single.error(name), rel=1e-3)
    assert model_at(after, region, (99, 0)) is None


def test_what_is_not_there_is_flagged_and_has_no_position():
    empty = np.zeros((12, 10), bool)
    empty[:, :4] = True
    made, entry, region = project(image(empty=empty))
    maps = image_maps(made.entry(entry), region)
    position, area = named(maps, "p1.position"), named(maps, "p1.area")
    zero = area.values <= 1e-9
    weak = area.values <= area.error
    assert np.all(position.flags[weak] == AMOUNT_ZERO)
    assert position.good[~empty].all()
    assert zero[empty].sum() >= 10
    assert not zero[~empty].any()
    assert np.all(position.flags[zero] == AMOUNT_ZERO)
    assert np.all(area.flags[zero] == 1)
    assert dict(position.legend)[AMOUNT_ZERO].startswith("not determined")
    level = named(maps, "background.level")
    assert level.good.all()  # a bound of the line does not spoil what else was found


def test_neighbouring_materials_do_not_leave_rows_in_a_wrong_minimum():
    """A line that jumps by several widths from one pixel to the next: both starts are tried."""
    rng = np.random.default_rng(9)
    gl, at = shape("gl_sum"), np.where(np.arange(40) % 8 < 4, 14.0, 26.0)
    counts = np.array([[rng.poisson(20 + gl.evaluate(X, 400.0, e, 1.5, 0.3)[0]) for e in at] for _ in range(3)])
    nav = (Axis(np.arange(3.0), "distance", "nm"), Axis(np.arange(40.0), "distance", "nm"))
    spectrum = Spectrum(Axis(X, "energy_loss"), counts, Noise("poisson", 1.0), Meta(region="a", technique="eels"),
                        None, nav)
    made, entry, region = project(spectrum, fitted=False)
    maps = image_maps(made.entry(entry), region)
    position = named(maps, "p1.position")
    right = np.abs(position.values - at) < 0.5
    assert right.mean() > 0.95


def test_linked_parameters_have_maps_and_held_ones_none():
    made, entry, region = project()
    old = made.entry(entry)
    two = old.fit(region).model
    second = Component("p2", "Double", "gl_sum", {
        "area": Param(100.0, 0.0), "position": Param(25.0, link="p1.position + 5"),
        "fwhm": Param(2.5, 0.2, 15.0, link="p1.fwhm"), "mix": Param(0.3, vary=False)})
    made = made.with_entry(old.with_fit(replace(old.fit(region), model=two.with_component(second), result=None)))
    maps = image_maps(made.entry(entry), region)
    assert {m.param("parameter") for m in maps if m.param("parameter")} == {
        "p1.area", "p1.position", "p1.fwhm", "p2.area", "p2.position", "p2.fwhm", "background.level"}
    assert np.allclose(named(maps, "p2.position").values, named(maps, "p1.position").values + 5)
    np.testing.assert_allclose(named(maps, "p2.position").error, named(maps, "p1.position").error, rtol=1e-6)


def test_runs_are_kept_apart_and_removed_together():
    made, entry, region = project()
    once = fit_image(made, entry, region)
    twice = fit_image(once, entry, region).entry(entry)
    groups = runs(twice, region)
    assert len(groups) == 2
    assert len({m.id for m in twice.maps}) == len(twice.maps)
    left = without_run(twice, groups[0])
    assert runs(left) == (groups[1],)
    assert len(left.maps) == len(twice.maps) // 2


def test_cancel_and_wrong_input():
    made, entry, region = project()
    with pytest.raises(Cancelled):
        image_maps(made.entry(entry), region, None, lambda: True)
    bare, id = work.add_region(made, entry, 12.0, 20.0)
    with pytest.raises(BadModel, match="no components"):
        image_maps(bare.entry(entry), id)
    single = made.with_entry(replace(made.entry(entry), spectrum=made.entry(entry).spectrum.summed()))
    with pytest.raises(BadData, match="no image"):
        image_maps(single.entry(entry), region)


def test_progress_never_falls():
    told = []
    made, entry, region = project()
    image_maps(made.entry(entry), region, lambda fraction, text: told.append((fraction, text)))
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert "pixels" in told[-1][1]


# ------------------------------------------------------------------------------------------------------- places


def test_a_region_is_scaled_to_the_place_and_belongs_to_where_it_was_fitted():
    made, entry, region = project()
    old = made.entry(entry)
    there = replace(old, rois=(Roi("roi", "Shell", "rectangle", ((0, 0), (5, 4))),))
    own = region_at(there, there.fit(region), ALL)
    assert own.source == "own"
    assert own.fit.result is not None
    at = region_at(there, there.fit(region), Place(roi="roi"))
    assert at.source == "scaled"
    assert at.fit.result is None
    assert pixels_at(there, Place(roi="roi")) == 20
    ratio = at.fit.model.params["p1.area"].value / own.fit.model.params["p1.area"].value
    assert ratio == pytest.approx(20 / 120)
    assert at.fit.model.params["p1.position"].value == own.fit.model.params["p1.position"].value
    fitted = work.fit_region(made.with_entry(there), entry, region, place=Place(roi="roi"))
    after = fitted.entry(entry).fit(region)
    assert after.place == "roi:roi"
    assert after.result.success
    assert after.result.data_hash == fitted.entry(entry).single(Place(roi="roi")).hash
    assert region_at(fitted.entry(entry), after, Place(roi="roi")).source == "own"


def test_a_pixel_shows_the_model_of_its_own_fit_only_while_the_region_is_the_same():
    made, entry, region = project()
    after = fit_image(made, entry, region).entry(entry)
    place = Place((4, 4))
    assert region_at(after, after.fit(region), place).source == "pixel"
    more = guess.add_peak(after.single(), after.fit(region).model, 25.0)
    edited = after.with_fit(replace(after.fit(region), model=more, result=None))
    assert region_at(edited, edited.fit(region), place).source == "scaled"
    other = replace(after, spectrum=after.spectrum.with_(counts=after.spectrum.counts + 1))
    assert region_at(other, other.fit(region), place).source == "scaled"


def test_scaling_keeps_what_is_no_intensity():
    one = model()
    bounded = one.with_params({"p1.area": Param(400.0, 100.0, 800.0)})
    three = scaled(bounded, 3.0)
    assert three.params["p1.area"] == Param(1200.0, 300.0, 2400.0)
    assert three.params["background.level"].value == 60.0
    assert three.params["p1.fwhm"] == one.params["p1.fwhm"]
    assert from_json(three.to_json()) == three


def test_places_in_words():
    spectrum = image()
    rois = (Roi("roi", "Shell", "rectangle", ((0, 0), (5, 4))),)
    assert place_words(spectrum, ALL, rois) == "All 120 pixels"
    assert place_words(spectrum, Place(roi="roi"), rois) == "Shell, 20 pixels"
    assert place_words(spectrum, Place((4, 7)), rois) == "Pixel (7, 4)"


def test_new_regions_of_losses_have_backgrounds_of_losses():
    spectrum = image()
    assert "shirley_active" not in guess.backgrounds_for(spectrum)
    assert "linear_active" in guess.backgrounds_for(spectrum)
    made, entry, _ = project(fitted=False)
    added, id = work.add_region(made, entry, 12.0, 20.0)
    assert added.entry(entry).fit(id).model.background.kind == "linear_active"
    wide = guess.add_peak(added.entry(entry).single(), added.entry(entry).fit(id).model, 16.0)
    assert wide.components[0].param("fwhm").maximum == pytest.approx(8.0)


@pytest.mark.realdata
def test_a_measured_series_is_fitted_in_the_window_and_by_command(realdata, tmp_path):
    """The pi* line of 200 spectra of h-BN: on the energy scale of the file its highest channel is that at 194.5 eV."""
    from app.__main__ import main
    from app.files import read

    path = realdata / "eels" / "BN_core_loss_200.dm3"
    made = add_spectra(Project(), read(path))
    entry = made.entries[0].id
    made, region = work.add_region(made, entry, 188.0, 197.0)
    assert made.entry(entry).fit(region).model.background.kind in ("power_law", "linear_active")
    whole = made.entry(entry)
    peak = guess.add_peak(whole.single(), whole.fit(region).model, 194.0)
    made = work.fit_region(made.with_entry(whole.with_fit(replace(whole.fit(region), model=peak))), entry, region)
    position = named(image_maps(made.entry(entry), region), "p1.position")
    assert position.good.mean() > 0.95
    total = whole.single()
    near = (total.x > 188) & (total.x < 197)
    highest = total.x[near][np.argmax(total.y[near])]
    assert abs(float(np.median(position.values)) - highest) < 0.5
    (tmp_path / "m.json").write_text(scaled(made.entry(entry).fit(region).model, 1 / 200).to_json(), encoding="utf-8")
    status = main(["batch", str(path), "--model", str(tmp_path / "m.json"), "-o", str(tmp_path / "o.h5")])
    assert status == 0
