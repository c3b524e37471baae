"""Maps in a project: requests, names that stay, what is out of date, statistics of regions, line profiles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.project.map_numbers import statistics
from app.project.maps import (
    QUANTITIES,
    Request,
    add_windows,
    again,
    compute,
    groups,
    new_window,
    out_of_date,
    rename,
    request_of,
    window_title,
    with_window,
    without_windows,
)
from app.project.profiles import new_line, profiles_of, with_line, without_line
from app.project.project import Entry, Project, Sample
from app.project.store import load, save
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.image.maps import Map
from fitting.image.place import Roi
from fitting.image.windows import Window
from fitting.processing.step import Step
from libraries.errors import BadData, NotDetermined, UnknownName

PLASMON, TAIL, LATE = Window("a", "", 13.0, 17.0), Window("b", "Tail", 20.0, 24.0), Window("c", "", 25.0, 30.0)


def image(seed=0):
    x = -5.0 + 0.2 * np.arange(300)
    strength = np.where(np.arange(20) < 10, 40.0, 80.0)[None, :, None]
    mean = 5.0 + 2000.0 * np.exp(-0.5 * (x / 0.3) ** 2) + strength / (1 + ((x - 15.0) / 2.0) ** 2)
    counts = np.random.default_rng(seed).poisson(np.broadcast_to(mean, (12, 20, 300)))
    navigation = tuple(Axis(5.0 * np.arange(n), "distance", "nm") for n in (12, 20))
    return Spectrum(Axis(x, "energy_loss"), counts, Noise("poisson", 1.0), Meta(title="Image", technique="eels"),
                    navigation=navigation)


@pytest.fixture
def project():
    return Project("P", (Sample("s", "S"),), (Entry("i", image(), "s", windows=(PLASMON, TAIL, LATE)),))


def windows_of(one):
    return {"sum": (PLASMON, TAIL), "three": (TAIL, LATE, Window("", "", 31.0, 40.0)), "ratio": (PLASMON, TAIL),
            "jump": (PLASMON, TAIL)}.get(one.key, (PLASMON,))


@pytest.mark.parametrize("one", QUANTITIES, ids=lambda one: one.key)
def test_every_quantity_gives_maps_that_can_be_computed_again(project, one):
    done, ids = compute(project, "i", Request(one.key, windows_of(one)))
    maps = [done.entry("i").map(id) for id in ids]
    assert len(set(ids)) == len(ids) == {"sum": 2, "three": 4}.get(one.key, 1)
    for found in maps:
        assert found.shape == (12, 20)
        assert found.group == one.title
        assert "noise as recorded: 1 count per event" in found.origin
        assert found.data_hash == done.entry("i").processed().hash
        assert request_of(found).key == one.key
        expected = windows_of(one) if one.key != "sum" else [windows_of(one)[ids.index(found.id)]]
        assert [(w.name, w.low, w.high) for w in request_of(found).windows] == [
            (w.name, w.low, w.high) for w in expected]
    assert out_of_date(done.entry("i")) == frozenset()
    twice, same = compute(done, "i", Request(one.key, windows_of(one)))
    assert same == ids
    assert len(twice.entry("i").maps) == len(maps)


def test_what_comes_from_other_data_is_out_of_date_and_made_anew(project):
    done, ids = compute(project, "i", Request("sum", (PLASMON,)))
    entry = rename(done.entry("i"), ids[0], "  My   plasmon ")
    stranger = Map("f", "Fit", "", np.ones((12, 20)), kind="fit", data_hash="other")
    entry = replace(entry.with_maps([stranger]), recipe=entry.recipe.with_step(
        Step("crop", (("low", 0.0), ("high", 40.0)))))
    changed = done.with_entry(entry)
    assert out_of_date(entry) == {ids[0], "f"}
    fresh, made = again(changed, "i", out_of_date(entry))
    assert made == ids
    assert fresh.entry("i").map(ids[0]).name == "My plasmon"
    assert out_of_date(fresh.entry("i")) == {"f"}
    with pytest.raises(NotDetermined, match="another page"):
        again(changed, "i", ["f"])
    with pytest.raises(BadData, match="needs a name"):
        rename(entry, ids[0], "  ")


def test_maps_windows_and_lines_are_saved(project, tmp_path):
    done, _ = compute(project, "i", Request("ratio", (PLASMON, TAIL)))
    entry, line = new_line(done.entry("i"), (1.0, 2.0), (15.0, 9.5))
    done = done.with_entry(entry)
    save(done, tmp_path / "p.sodalite")
    back = load(tmp_path / "p.sodalite")
    assert back.equals(done)
    assert back.entry("i").lines == (line,)
    assert back.entry("i").windows == (PLASMON, TAIL, LATE)


def test_requests_need_their_windows(project):
    with pytest.raises(BadData, match="3 windows"):
        Request("three", (PLASMON,))
    with pytest.raises(BadData, match="a window"):
        Request("sum", ())
    with pytest.raises(UnknownName):
        Request("sums", (PLASMON,))
    single = project.with_entry(Entry("one", image().at(0, 0), "s"))
    with pytest.raises(BadData, match="no maps"):
        compute(single, "one", Request("sum", (PLASMON,)))


def test_without_noise_errors_are_not_determined():
    x = np.arange(20.0)
    navigation = (Axis(np.arange(3.0), "index", ""),)
    series = Spectrum(Axis(x, "energy_loss"), np.ones((3, 20)), Noise("unknown"), navigation=navigation)
    project = Project("P", (), (Entry("i", series),))
    done, ids = compute(project, "i", Request("sum", (Window("", "", 3.0, 8.0),)))
    found = done.entry("i").map(ids[0])
    assert found.error is None
    assert "errors not determined" in found.origin
    with pytest.raises(NotDetermined, match="needs the noise"):
        compute(project, "i", Request("snr", (Window("", "", 3.0, 8.0),)))


def test_windows_of_an_entry():
    entry = Entry("i", image())
    entry = add_windows(entry, (PLASMON, TAIL, PLASMON))
    assert [(w.id, w.title) for w in entry.windows] == [("w", "13–17 eV"), ("w_2", "Tail")]
    assert window_title(entry.windows[1]) == "Tail (20–24 eV)"
    entry = new_window(entry, 30.0, 31.0)
    entry = with_window(entry, replace(entry.windows[2], low=29.5))
    assert entry.windows[2].title == "29.5–31 eV"
    assert [w.id for w in without_windows(entry, "w").windows] == ["w_2", "w_3"]


def test_statistics_are_those_of_the_good_pixels():
    rng = np.random.default_rng(4)
    values, error = rng.normal(5.0, 2.0, (12, 20)), np.full((12, 20), 0.5)
    values[0, 0] = np.nan
    flags = np.zeros((12, 20), np.uint8)
    flags[0, 1] = 1
    one = Map("m", "M", "eV", values, error, flags, ((1, "bad"),))
    roi = Roi("r", "Corner", "rectangle", ((0, 0), (2, 2)))
    whole, corner = statistics(one, (roi,))
    good = np.delete(values.ravel(), [0, 1])
    assert (whole.pixels, whole.left_out, corner.pixels, corner.left_out) == (238, 2, 2, 2)
    assert (whole.mean, whole.sd) == pytest.approx((good.mean(), good.std(ddof=1)))
    assert whole.error == pytest.approx(0.5 / np.sqrt(238))
    assert whole.percentiles == pytest.approx(tuple(np.percentile(good, (0, 5, 50, 95, 100))))
    assert corner.mean == pytest.approx(values[1, :2].mean())
    empty = statistics(Map("m", "M", "", np.full((12, 20), np.nan)))[0]
    assert empty.pixels == 0
    assert np.isnan(empty.mean)


def test_groups_keep_their_order():
    maps = [Map(str(i), str(i), "", np.ones(3), group=group) for i, group in enumerate(("b", "a", "b", ""))]
    assert {name: [m.id for m in found] for name, found in groups(Entry("i", image(), maps=tuple(maps))).items()} == {
        "b": ["0", "2"], "a": ["1"], "Maps": ["3"]}


def test_profiles_of_an_entry(project):
    done, _ids = compute(project, "i", Request("sum", (PLASMON,)))
    entry, line = new_line(done.entry("i"), (0.0, 6.0), (20.0, 6.0))
    entry = with_line(entry, replace(line, width=12.0))
    found, why = profiles_of(entry, entry.maps, entry.lines[0])
    assert why == ""
    assert found[0].profile.pixels.sum() == 240
    assert found[0].front.position == pytest.approx(50.0)
    assert found[0].front.unresolved
    again_, second = new_line(entry, (0.0, 6.0), (3.0, 6.0))
    assert (second.name, second.width) == ("Line 2", 12.0)
    short, _ = profiles_of(again_, entry.maps, second)
    assert short[0].front is None
    assert "too few" in short[0].why
    assert without_line(again_, line.id).lines == (second,)
    assert profiles_of(entry, entry.maps, None) == ((), "")


def test_profile_of_a_series():
    x = np.arange(60.0)
    navigation = (Axis(np.arange(30.0), "distance", "nm"),)
    level = np.where(np.arange(30) < 12, 10.0, 40.0)[:, None] * np.ones(60)
    series = Spectrum(Axis(x, "energy_loss"), np.random.default_rng(1).poisson(level), Noise("poisson", 1.0),
                      navigation=navigation)
    project, _ids = compute(Project("P", (), (Entry("i", series),)), "i", Request("sum", (Window("", "", 3.0, 50.0),)))
    found, _ = profiles_of(project.entry("i"), project.entry("i").maps, None)
    assert found[0].front.position == pytest.approx(11.5, abs=0.6)
    assert found[0].profile.unit == "nm"
