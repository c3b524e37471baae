"""Depth scale, interfaces and layers of an entry: from the project alone, and kept by it."""

import math
from dataclasses import replace

import numpy as np
import pytest

from app.files.depth_tables import COLUMNS, depth_rows, project_rows, write_depth
from app.project import sims_depth_edits as edits
from app.project import store
from app.project.clear_steps import clearest_step, proposed_range
from app.project.project import Project, add_spectra
from app.project.sims_depth import answer, depth_along
from app.project.sims_profiles_at import profile_at, trace_choices, trace_values
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.image.place import Place, Roi
from fitting.sims.response import gauss_step
from fitting.sims.setup import DepthScale, Interface, LayerMarker, LayerSetup, PhaseRate
from libraries.errors import BadData, NotDetermined, UnknownName

T = np.arange(1.0, 201.0)
EDGES = (60.0, 130.0)
IONS = ("total", "C2H-", "NaO-", "C2-", "NaO- / ( C2H- )")


def profile(seed=1, counts=3000.0):
    """Three layers with edges at 60 and 130 s, 16-84 % width 8 s."""
    steps = [np.ones_like(T), *(gauss_step(T - edge, 4.0) for edge in EDGES), np.zeros_like(T)]
    data = np.random.default_rng(seed).poisson(counts * np.maximum(-np.diff(steps, axis=0), 0.0).T + 5)
    data = np.column_stack([data.sum(axis=1), data])
    axis = Axis(np.arange(4.0), "ion", "", IONS[:4], (0.0, 25.008, 38.985, 24.0))
    return Spectrum(axis, data, Noise("poisson", 1.0), Meta(title="p", region="Profile", technique="sims"),
                    navigation=(Axis(T, "time", "s"),))


def cube(seed=2):
    flat = profile(counts=300.0).y[::10] / 16
    counts = np.random.default_rng(seed).poisson(np.broadcast_to(flat[:, None, None, :], (20, 4, 4, 4)))
    lateral = Axis(np.arange(4.0), "distance", "um")
    return Spectrum(profile().axis, counts, Noise("poisson", 1.0), Meta(title="c", region="Cube", technique="sims"),
                    navigation=(Axis(T[::10], "time", "s"), lateral, lateral))


MARKERS = LayerSetup(markers=tuple(LayerMarker(n, t) for n, t in
                                   (("Organic", "C2H-"), ("Oxide", "NaO-"), ("", "C2-"))))


@pytest.fixture
def project():
    return add_spectra(Project("p"), [profile(), cube()])


def told(project, **changes):
    entry = replace(project.entries[0], **changes)
    return project.with_entry(entry), entry


def test_interfaces_and_layers_of_ions(project):
    project, entry = told(
        project, layering=MARKERS, depth=DepthScale("rate", rate=0.2, rate_error=0.01),
        interfaces=(Interface("a", "one", "NaO-", 30, 90, "time", "erf"),
                    Interface("b", "two", "C2-", 100, 160, "time", "crossing"),
                    Interface("c", "layer", "NaO-", 30, 160, "time", "erf", "layer"),
                    Interface("d", "gone", "XeF6-", 30, 160)))
    found = answer(entry)
    one, two, layer, gone = found.interfaces
    assert (one.quantity, one.unit) == ("depth", "nm")
    assert one.position == pytest.approx(0.2 * EDGES[0], abs=5 * one.own_error)
    assert one.width == pytest.approx(0.2 * 8.0, rel=0.1)
    # 5 % of the rate is 5 % of the depth, and of the distance of two depths.
    assert one.position_error == pytest.approx(math.hypot(one.own_error, 0.05 * one.position), rel=1e-6)
    assert two.position == pytest.approx(0.2 * EDGES[1], abs=0.3)
    assert layer.width == pytest.approx(0.2 * 70.0, rel=0.01)
    assert layer.width_error == pytest.approx(0.05 * layer.width, rel=0.1)
    assert "XeF6-" in gone.failed
    assert [row.name for row in found.layers.rows][:2] == ["Organic", "Oxide"]
    assert found.layers.rows[0].thickness == pytest.approx(12.0, rel=0.02)
    assert found.layers.rows[1].thickness == pytest.approx(14.0, rel=0.02)


def test_without_a_scale_the_numbers_are_in_time(project):
    _, entry = told(project, layering=MARKERS, interfaces=(Interface("a", "one", "NaO-", 30, 90, "time", "erf"),))
    found = answer(entry)
    assert found.depth is None
    assert (found.interfaces[0].unit, found.layers.unit) == ("s", "s")
    assert found.interfaces[0].position == pytest.approx(60.0, abs=1.0)


def test_a_scale_that_cannot_be_used_is_said_and_times_remain(project):
    _, entry = told(project, depth=DepthScale("phases", factors="gone"), layering=MARKERS)
    found = answer(entry)
    assert "gone" in found.depth_failed
    assert found.layers.unit == "s"
    with pytest.raises(UnknownName):
        depth_along(entry)


def test_the_crater_stays_that_of_the_whole_profile(project):
    from fitting.recipe import Recipe, Step

    _, entry = told(project, depth=DepthScale("crater", crater=40.0))
    part = replace(entry, recipe=Recipe((Step("sign", {}),)))
    assert depth_along(entry).depth[-1] == pytest.approx(40.0)
    short = entry.spectrum.with_(counts=entry.spectrum.counts[:100], navigation=(Axis(T[:100], "time", "s"),))
    assert depth_along(entry, short).depth[-1] == pytest.approx(20.0)
    assert part.depth == entry.depth


def test_known_answers_are_used_again_and_changed_parts_are_not(project):
    interface = Interface("a", "one", "NaO-", 30, 90, "time", "erf")
    _, entry = told(project, layering=MARKERS, interfaces=(interface,))
    first = answer(entry)
    again = answer(entry, known=first)
    assert again.interfaces[0] is first.interfaces[0]
    assert again.layers is first.layers
    moved = replace(entry, interfaces=(replace(interface, high=95.0),))
    other = answer(moved, known=first)
    assert other.interfaces[0] is not first.interfaces[0]
    assert other.layers is first.layers
    scaled = answer(replace(entry, depth=DepthScale("rate", rate=0.2)), known=first)
    assert scaled.interfaces[0].unit == "nm"
    assert scaled.layers.unit == "nm"


def test_a_saved_project_gives_the_same_numbers(project, tmp_path):
    project, entry = told(project, layering=MARKERS, depth=DepthScale("crater", crater=40, crater_error=2, note="tip"),
                          interfaces=(Interface("a", "one", "NaO-", 30, 90, "time", "mri", held=(("lam", 0.3),)),))
    store.save(project, tmp_path / "a.sodalite")
    back = store.load(tmp_path / "a.sodalite")
    assert back.equals(project)
    one, two = answer(entry), answer(back.entries[0])
    assert one.interfaces[0].position == two.interfaces[0].position
    assert one.interfaces[0].position_error == two.interfaces[0].position_error
    assert [row.thickness for row in one.layers.rows[:-1]] == [row.thickness for row in two.layers.rows[:-1]]
    assert [row.error for row in one.layers.rows[:-1]] == [row.error for row in two.layers.rows[:-1]]


def test_structure_beyond_the_response_multiplies_the_errors(project):
    interface = Interface("a", "one", "NaO-", 30, 190, "time", "erf")  # a layer taken for a step
    _, entry = told(project, interfaces=(interface,))
    found = answer(entry).interfaces[0]
    assert found.factor > 2
    assert "multiplied" in found.status


def test_profiles_of_cubes_follow_the_place(project):
    entry = replace(project.entries[1], rois=(Roi("r", "left", "rectangle", ((0.0, 0.0), (2.0, 4.0))),))
    whole, left = profile_at(entry), profile_at(entry, Place(roi="r"))
    assert whole.counts.sum() == entry.spectrum.counts.sum()
    assert left.counts.sum() == entry.spectrum.counts[:, :, :2].sum()
    assert profile_at(entry, Place(roi="r")) is left
    found = answer(replace(entry, layering=MARKERS), left)
    assert found.profile is left
    assert found.layers.rows[0].thickness == pytest.approx(60.0, rel=0.2)
    with pytest.raises(BadData):
        profile_at(replace(entry, spectrum=entry.spectrum.summed()))


def test_traces_with_their_noise(project):
    entry = project.entries[0]
    data = profile().y
    values, errors, noise = trace_values(entry, entry.spectrum, "NaO- + C2-")
    np.testing.assert_array_equal(values, data[:, 2] + data[:, 3])
    np.testing.assert_allclose(errors, np.sqrt(values))
    assert noise == Noise("poisson", 1.0)
    ratio, errors, noise = trace_values(entry, entry.spectrum, "NaO- / C2H-")
    np.testing.assert_allclose(ratio, data[:, 2] / data[:, 1])
    assert noise.kind == "unknown"
    empty = entry.spectrum.with_(counts=np.where(np.arange(200)[:, None] == 3, 0, entry.spectrum.counts))
    with pytest.raises(NotDetermined):
        trace_values(entry, empty, "NaO- / C2H-")
    assert [name for name, _ in trace_choices(entry)][-1] == "total"


def test_a_range_is_proposed_where_the_step_is():
    clock = Axis(T, "time", "s")
    low, high = proposed_range(clock, profile().y[:, 3])
    assert low < 110 < 150 < high
    assert low > 70


def test_the_clearest_step_among_traces_is_found(project):
    entry, spectrum = project.entries[0], profile()
    flat = spectrum.y.copy()
    flat[:, 1] = 4000 + 1500 * (np.arange(T.size) % 2)  # many counts, strong scatter, no step
    flat[:, 2] = np.where(T < 100, 200, 260)
    made = spectrum.with_(counts=flat)
    assert clearest_step(entry, made, ("C2H-", "NaO-", "C2-")) == "C2-"
    assert clearest_step(entry, made, ("C2H-", "NaO-")) == "NaO-"
    assert clearest_step(entry, made, ("gone",)) == ""


@pytest.mark.parametrize(("response", "trace", "low", "high", "poor"), [
    ("erf", "C2-", 100.0, 160.0, ""), ("erf", "NaO-", 30.0, 160.0, "poor, "), ("crossing", "C2-", 100.0, 160.0, ""),
    ("dowsett", "C2-", 128.0, 140.0, "any"),
])
def test_a_fit_that_is_no_result_says_so_in_a_word(project, response, trace, low, high, poor):
    one = Interface("a", "A", trace, low, high, "time", response, "step")
    _, entry = told(project, interfaces=(one,))
    found = answer(entry).interfaces[0]
    if poor == "any":
        assert found.poor in ("at its limit", "not unique", "not settled")
        assert found.status.startswith(("A length", "The points", "The fit did not"))
    else:
        assert found.poor.startswith(poor)
        assert bool(found.poor) == bool(poor)


def test_the_first_usable_scale_turns_the_axis_to_depth(project):
    id = project.entries[0].id
    empty = edits.with_depth(project, id, DepthScale("rate"))
    assert empty.entry(id).profile.axis == ""
    given = edits.with_depth(empty, id, DepthScale("rate", rate=0.2))
    assert given.entry(id).profile.axis == "depth"
    chosen = given.with_entry(replace(given.entry(id), profile=replace(given.entry(id).profile, axis="time")))
    assert edits.with_depth(chosen, id, DepthScale("rate", rate=0.3)).entry(id).profile.axis == "time"
    assert edits.with_depth(given, id, DepthScale()).entry(id).profile.axis == ""


def test_factors_of_other_data_are_said(project):
    from app.project.factor_analysis import Wish, keep_factors, solve
    from fitting.factors.constraints import Constraints

    entry = project.entries[0]
    found = solve(entry.spectrum, Wish("mcr", 3, constraints=Constraints(closure=True)))
    project, id = keep_factors(project, entry.id, found, entry.spectrum.hash)
    entry = replace(project.entries[0], layering=LayerSetup(factors=id))
    good = answer(entry)
    assert good.note == ""
    assert [round(row.thickness / 10) for row in good.layers.rows[:2]] == [6, 7]
    assert "changed" in answer(replace(entry, spectrum=profile(seed=5))).note
    rates = DepthScale("phases", factors=id, phases=tuple(PhaseRate(f"p{i}", 0.2) for i in range(3)))
    assert depth_along(replace(entry, depth=rates)).depth[-1] == pytest.approx(40.0)


def test_edits_and_tables(project, tmp_path):
    from app.files.export import write_csv_folder

    id = project.entries[0].id
    project, made = edits.add_interface(project, id, Interface("", "one", "NaO-", 30, 90))
    project = edits.edit_interface(project, id, made, lambda one: replace(one, name="two"))
    project = edits.with_layering(edits.with_depth(project, id, DepthScale("rate", rate=0.2)), id, MARKERS)
    assert project.entry(id).interfaces[0].name == "two"
    rows = list(project_rows(project))
    assert [row[2] for row in rows] == ["layer", "layer", "layer", "interface"]
    assert all(len(row) == len(COLUMNS) for row in rows)
    assert rows[0][COLUMNS.index("Thickness")] == pytest.approx(12.0, rel=0.02)
    assert rows[2][COLUMNS.index("Thickness")] is None
    assert "Organic" in (write_csv_folder(project, tmp_path / "all") / "depth.csv").read_text("utf-8")
    found = answer(project.entry(id))
    path = write_depth(tmp_path / "a.csv", "Profile", found)
    assert len(path.read_text("utf-8").splitlines()) == 5
    assert list(depth_rows("", "Profile", found))[3][COLUMNS.index("Name")] == "two"
    with pytest.raises(UnknownName):
        edits.edit_interface(project, id, "x", lambda one: one)
    with pytest.raises(BadData):
        edits.add_interface(project, id, Interface("", "one", "NaO-", 90, 30))
    assert edits.without_interface(project, id, made).entry(id).interfaces == ()
