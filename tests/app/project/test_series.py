"""Series: variables told from a file, spectra combined, series split; what does not belong together is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.files import read
from app.files.vamas_writer import write_vamas
from app.project import series
from app.project.project import Project, RegionFit, add_spectra
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.identity import same
from fitting.model import Background, FitModel
from fitting.recipe import Recipe, Step, energy_shift
from libraries.errors import BadData

X = np.round(np.arange(280.0, 290.0, 0.5), 6)


def level(number=0, *, angle=None, variables=(), region="C 1s", sample="A", **changes):
    meta = Meta(technique="xps", region=region, sample=sample, photon_energy=1486.6, pass_energy=20.0, dwell_time=0.1,
                sweeps=4.0, emission_angle=angle, file="a.vms", index=number,
                extra=tuple((f"variable:{name}", text) for name, text in variables))
    meta = replace(meta, **{k: v for k, v in changes.items() if k not in ("x", "noise", "transmission")})
    return Spectrum(Axis(changes.get("x", X), "binding_energy"), np.full(X.size, 100 + number),
                    changes.get("noise", Noise("poisson", 1.0)), meta, changes.get("transmission"))


def project_of(*spectra):
    return add_spectra(Project(), list(spectra))


def ids(project):
    return [entry.id for entry in project.entries]


def angles(*values, **changes):
    return [level(i, angle=value, **changes) for i, value in enumerate(values)]


def test_the_only_varied_number_of_a_file_is_filled():
    spectra = [
        level(i, region=region, angle=angle, variables=(("Angle", f"{angle} degree"), ("X [mm]", "1 n")))
        for i, (angle, region) in enumerate((a, r) for a in (0.0, 40.0, 70.0) for r in ("C 1s", "O 1s"))
    ]
    project = project_of(*spectra)
    told = series.with_variables(project, ids(project))
    assert [(e.variable, e.value, e.unit) for e in told.entries] == [
        ("emission angle", angle, "deg") for angle in (0.0, 0.0, 40.0, 40.0, 70.0, 70.0)]
    assert [len(group) for group in series.groups(told)] == [3, 3]


def test_other_variables_keep_their_name_and_unit():
    spectra = [level(i, variables=(("Etch Depth", f"{d} nm"),)) for i, d in enumerate((0.0, 2.5))]
    project = series.with_variables(project_of(*spectra), ["c_1s", "c_1s_2"])
    assert [(e.variable, e.value, e.unit) for e in project.entries] == [
        ("Etch Depth", 0, "nm"), ("Etch Depth", 2.5, "nm")]
    _, made = series.combine(project, ids(project))
    assert made == "c_1s_series"


@pytest.mark.parametrize("spectra", [
    [level(0, angle=0.0, variables=(("T", "300 K"),)), level(1, angle=10.0, variables=(("T", "310 K"),))],
    [level(0, angle=0.0), level(1, angle=0.0)],
    [level(0, angle=0.0), level(1)],
    [level(0, angle=0.0), level(1, angle=5.0), level(2, angle=5.0)],
    [level(0, region="C 1s", variables=(("Index", "1"),)), level(1, region="O 1s", variables=(("Index", "2"),))],
    [level(0, angle=0.0), level(1, angle=10.0, file="b.vms")],
])
def test_nothing_is_filled_where_it_is_not_clear(spectra):
    project = project_of(*spectra)
    assert series.with_variables(project, ids(project)).equals(project)


def test_spectra_in_any_order_become_one_series():
    project = project_of(*angles(70.0, 0.0, 40.0), level(9, region="O 1s"))
    after, id = series.combine(project, ids(project)[:3])
    assert ids(after) == [id, "o_1s"]
    entry = after.entry(id)
    spectrum = entry.spectrum
    assert spectrum.counts.shape == (3, X.size)
    assert spectrum.counts[:, 0].tolist() == [101, 102, 100]
    assert spectrum.counts.dtype == project.entries[0].spectrum.counts.dtype
    (axis,) = spectrum.navigation
    assert (axis.quantity, axis.unit, axis.values.tolist()) == ("angle", "deg", [0, 40, 70])
    assert (entry.variable, entry.value, entry.unit) == ("emission angle", None, "deg")
    assert entry.title == "C 1s by emission angle"
    assert spectrum.meta.emission_angle is None
    assert dict(spectrum.meta.extra)["made of"] == "a.vms block 2; a.vms block 3; a.vms block 1"
    assert (spectrum.noise, spectrum.meta.live_time) == (Noise("poisson", 1.0), 0.4)


def test_combined_and_split_again_the_data_are_the_same():
    project = project_of(*angles(0.0, 40.0, 70.0, transmission=np.linspace(1, 2, X.size)))
    after, id = series.combine(project, ids(project))
    after, levels = series.split(after, id)
    assert levels == ("c_1s_0", "c_1s_40", "c_1s_70")
    assert [e.title for e in after.entries] == ["C 1s 0°", "C 1s 40°", "C 1s 70°"]
    for old, new in zip(project.entries, after.entries, strict=True):
        a, b = old.spectrum, new.spectrum
        assert same((a.axis, a.counts, a.noise, a.transmission), (b.axis, b.counts, b.noise, b.transmission))
        assert (new.variable, new.value, new.unit) == ("emission angle", a.meta.emission_angle, "deg")
        kept = replace(b.meta, extra=a.meta.extra, index=a.meta.index)
        assert kept == a.meta
    again, _ = series.combine(after, ids(after))
    assert len(again.entries) == 1


@pytest.mark.parametrize(("changes", "reason"), [
    ({"sample": "B"}, "the sample differs"),
    ({"region": "O 1s"}, "the region differs"),
    ({"photon_energy": 1253.6}, "the photon energy differs"),
    ({"pass_energy": 40.0}, "the pass energy differs \\(20 and 40\\)"),
    ({"intensity_unit": "counts/s"}, "the unit of the intensities differs"),
    ({"x": X + 0.1}, "their energies are not the same"),
    ({"noise": Noise("poisson", 0.5)}, "their noise differs \\(gain 1 and 0.5\\)"),
    ({"sweeps": 12.0}, "their counting time differs \\(0.4 and 1.2 s\\)"),
    ({"dwell_time": None}, "their counting time differs \\(0.4 and not recorded s\\)"),
    ({"transmission": np.ones(X.size)}, "their transmission functions differ"),
])
def test_what_differs_is_refused_with_the_reason(changes, reason):
    project = project_of(level(0, angle=0.0), level(1, angle=10.0, **changes))
    with pytest.raises(BadData, match=reason):
        series.combine(project, ids(project))


def test_what_makes_no_series():
    def refused(reason, *spectra):
        project = project_of(*spectra)
        with pytest.raises(BadData, match=reason):
            series.combine(project, ids(project))

    refused("at least two", level(0, angle=0.0))
    refused("same emission angle, 40°", *angles(0.0, 40.0, 40.0))
    refused("differ in no number", level(0), level(1))
    refused("several numbers: emission angle, T", level(0, angle=0.0, variables=(("T", "300 K"),)),
            level(1, angle=10.0, variables=(("T", "310 K"),)))
    refused("unit of T is not the same", level(0, variables=(("T", "300 K"),)), level(1, variables=(("T", "31 degC"),)))
    refused("fitted curve: background of CasaXPS", level(0, angle=0.0),
            level(1, angle=1.0, extra=(("curve", "background of CasaXPS"),)))


def test_different_processing_is_refused_and_equal_processing_kept():
    project = project_of(*angles(0.0, 10.0))
    shifted = replace(project.entries[1], recipe=Recipe((energy_shift(1.0, "x"),)))
    with pytest.raises(BadData, match="processed in different ways"):
        series.combine(project.with_entry(shifted), ids(project))
    recipe = Recipe((energy_shift(1.0, "x"), Step("crop", (("low", 282.0), ("high", 288.0)))))
    project = project.map_entries(lambda entry: replace(entry, recipe=recipe))
    after, id = series.combine(project, ids(project))
    assert after.entry(id).recipe == recipe
    np.testing.assert_array_equal(after.entry(id).processed().x, project.entries[0].processed().x)
    after, levels = series.split(after, id)
    assert after.entry(levels[0]).recipe == recipe


def test_spectra_with_fits_stay_beside_their_series():
    project = project_of(*angles(0.0, 10.0))
    fitted = project.entries[0].with_fit(RegionFit("r1", FitModel((281.0, 289.0), Background("linear"))))
    after, id = series.combine(project.with_entry(fitted), ids(project))
    assert ids(after) == [*ids(project), id]
    assert after.entries[0].fits


def test_own_values_of_the_entries_come_first():
    project = project_of(*angles(0.0, 10.0, 20.0))
    project = project.map_entries(lambda e: replace(e, variable="voltage", value=e.spectrum.meta.index * 0.5, unit="V"))
    after, id = series.combine(project, ids(project))
    (axis,) = after.entry(id).spectrum.navigation
    assert (axis.quantity, axis.unit, axis.values.tolist()) == ("index", "V", [0, 0.5, 1])


def test_all_groups_at_once():
    spectra = [*angles(0.0, 10.0), *angles(0.0, 10.0, region="O 1s"), level(4, angle=0.0, region="F 1s"),
               level(5, angle=10.0, region="F 1s", sweeps=9.0)]
    project = project_of(*spectra)
    after, made, refused = series.combine_all(project, ids(project))
    assert made == ("c_1s_series", "o_1s_series")
    assert len(refused) == 1
    assert "F 1s" in refused[0]
    assert ids(after) == ["c_1s_series", "o_1s_series", "f_1s", "f_1s_2"]


def test_a_depth_profile_splits_into_its_levels():
    counts = np.arange(3 * X.size).reshape(3, X.size)
    deep = level(0, extra=(("series", "sputter depth"),)).with_(
        counts=counts, navigation=(Axis([0.0, 12.5, 25.0], "depth", "nm"),), noise=Noise("poisson", 0.5),
        transmission=np.linspace(1, 2, X.size))
    project = project_of(deep, level(1, region="O 1s"))
    after, levels = series.split(project, "c_1s")
    assert ids(after) == ["c_1s_0_nm", "c_1s_12_5_nm", "c_1s_25_nm", "o_1s"]
    entry = after.entry(levels[1])
    assert (entry.title, entry.variable, entry.value, entry.unit) == ("C 1s 12.5 nm", "sputter depth", 12.5, "nm")
    spectrum = entry.spectrum
    assert spectrum.navigation == ()
    np.testing.assert_array_equal(spectrum.counts, counts[1])
    assert (spectrum.noise, spectrum.meta.live_time) == (deep.noise, deep.meta.live_time)
    np.testing.assert_array_equal(spectrum.transmission, deep.transmission)
    assert ("variable:sputter depth", "12.5 nm") in spectrum.meta.extra


def test_what_cannot_be_split():
    single = project_of(level(0))
    with pytest.raises(BadData, match="This is a single spectrum"):
        series.split(single, "c_1s")
    many = series.MOST + 1
    long = level(0).with_(counts=np.zeros((many, X.size)), navigation=(Axis(np.arange(many), "index", ""),))
    with pytest.raises(BadData, match="2001 levels"):
        series.split(project_of(long), "c_1s")
    two = Axis([0.0, 1.0], "distance", "nm")
    image = level(0).with_(counts=np.zeros((2, 2, X.size)), navigation=(two, two))
    with pytest.raises(BadData, match="map of spectra"):
        series.split(project_of(image), "c_1s")


def test_split_levels_are_written_with_their_value(tmp_path):
    deep = level(0).with_(counts=np.ones((2, X.size)), navigation=(Axis([0.0, 12.5], "depth", "nm"),))
    project, levels = series.split(project_of(deep), "c_1s")
    write_vamas(tmp_path / "a.vms", [project.entry(id).spectrum for id in levels])
    back = read(tmp_path / "a.vms")
    assert [dict(s.meta.extra)["variable:depth"] for s in back] == ["0.0 nm", "12.5 nm"]
    again = project_of(*back)
    assert [e.value for e in series.with_variables(again, ids(again)).entries] == [0, 12.5]


@pytest.mark.realdata
def test_an_angle_resolved_file(realdata):
    project = project_of(*read(realdata / "xps" / "ARXPS.vms"))
    project = series.with_variables(project, ids(project))
    assert [(e.variable, e.value, e.unit) for e in project.entries[::3]] == [
        ("emission angle", value, "deg") for value in (0, 40, 55, 63, 70)]
    after, made, refused = series.combine_all(project, ids(project))
    assert [after.entry(id).spectrum.name for id in made] == ["O 1s", "C 1s"]
    # Al 2p was measured three times as long at 70 degrees.
    assert len(refused) == 1
    assert "Al 2p: The spectra make no series: their counting time differs (0.298507 and 0.895521 s)" in refused[0]
    back, levels = series.split(after, made[0])
    for id, old in zip(levels, project.entries[::3], strict=True):
        assert same(back.entry(id).spectrum.counts, old.spectrum.counts)
        assert back.entry(id).spectrum.meta.emission_angle == old.spectrum.meta.emission_angle


@pytest.mark.realdata
def test_a_sputter_profile(realdata):
    project = project_of(*read(realdata / "xps" / "SnO2_10nm_1.pro"))
    tin = next(entry for entry in project.entries if entry.title == "Sn3d5")
    after, levels = series.split(project, tin.id)
    assert len(levels) == 21
    second = after.entry(levels[1])
    assert (second.title, second.variable, second.value, second.unit) == ("Sn3d5 30 s", "sputter time", 30, "s")
    np.testing.assert_array_equal(second.spectrum.counts, tin.spectrum.counts[1])
    assert second.spectrum.noise == tin.spectrum.noise
    assert second.spectrum.meta.live_time == tin.spectrum.meta.live_time
