"""Saving and opening: what goes in comes out, field by field, and a failed save leaves the old file."""

from __future__ import annotations

import errno
import math
import os
import sys
import tempfile
import time
from dataclasses import fields, replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given

from app.project import store
from app.project.migrations import SCHEMA_VERSION
from app.project.project import Entry, Layering, Project, RegionFit, Sample, Tie
from app.project.store_plain import from_row, plain, row_of
from app.project.store_tree import MAX_CHUNK, chunk_shape
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.identity import same
from fitting.model import Curve
from fitting.recipe import Recipe, Step
from fitting.xps.layers import StackLayer
from libraries.errors import BadData, BadProject, CannotWrite
from tests.app.project import simulated
from tests.app.project.projects import full_project, model, projects, result, spectrum


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("projects")


def test_everything_comes_back(tmp_path):
    project = full_project()
    path = tmp_path / "Natrium é 日本.sodalite"
    store.save(project, path)
    loaded = store.load(path)
    assert loaded.equals(project)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    for before, after in zip(project.entries, loaded.entries, strict=True):
        assert after.spectrum.counts.dtype == before.spectrum.counts.dtype
        assert not after.spectrum.counts.flags.writeable
        assert after.spectrum.hash == before.spectrum.hash
    found = loaded.entries[0].fits[0].result
    assert math.isnan(found.covariance[0, 1])
    assert math.isinf(found.covariance[2, 2])
    assert found.seconds == 0.25  # kept, although no part of the identity
    assert loaded.entries[0].fits[1].result is None


@given(project=projects())
def test_generated_projects_come_back(folder, project):
    path = folder / "generated.sodalite"
    store.save(project, path)
    assert store.load(path).equals(project)


def test_an_empty_project_comes_back(tmp_path):
    store.save(Project(), tmp_path / "a.sodalite")
    assert store.load(tmp_path / "a.sodalite").equals(Project())


def test_order_survives_ten_entries(tmp_path):
    project = Project(entries=tuple(Entry(f"e{n}", spectrum(5, seed=n)) for n in range(12)))
    entry = project.entries[0]
    for n in range(11):
        entry = entry.with_fit(RegionFit(f"f{n}", model(str(n))))
    project = project.with_entry(entry)
    store.save(project, tmp_path / "a.sodalite")
    assert store.load(tmp_path / "a.sodalite").equals(project)


def test_saving_changes_nothing_in_memory_and_equal_projects_make_equal_content(tmp_path):
    project = full_project()
    store.save(project, tmp_path / "a.sodalite")
    assert project.equals(full_project())
    store.save(store.load(tmp_path / "a.sodalite"), tmp_path / "b.sodalite")
    digests = [store.read_checked(tmp_path / f"{name}.sodalite")["@sha256"] for name in "ab"]
    assert digests[0] == digests[1]


def test_large_arrays_are_chunked_and_compressed(tmp_path):
    counts = np.zeros((30, 40, 300), np.uint16)
    counts[3, 4] = 7
    image = Spectrum(
        Axis(np.arange(300.0), "energy_loss"), counts, navigation=(Axis(range(30), "index"), Axis(range(40), "index"))
    )
    path = tmp_path / "image.sodalite"
    store.save(Project(entries=(Entry("i", image),)), path)
    assert path.stat().st_size < 60_000
    assert same(store.load(path).entries[0].spectrum, image)


@pytest.mark.parametrize("shape", [(10,), (5_000_000,), (100, 100, 1000), (3, 5_000_000), (1, 1, 1), (70000, 3)])
@pytest.mark.parametrize("itemsize", [1, 8])
def test_chunks_fit(shape, itemsize):
    chunk = chunk_shape(shape, itemsize)
    assert all(1 <= part <= whole for part, whole in zip(chunk, shape, strict=True))
    assert math.prod(chunk) * itemsize <= MAX_CHUNK
    assert math.prod(chunk) * itemsize * 3 > min(MAX_CHUNK, math.prod(shape) * itemsize)


# ------------------------------------------------------------------------------------------------- other programs


def test_viewers_find_spectra_and_fits(tmp_path):
    """The default path of NeXus leads to a signal on its axes, for the entry and for the fit."""
    project = full_project()
    path = tmp_path / "a.sodalite"
    store.save(project, path)
    with h5py.File(path) as file:
        assert file.attrs["NX_class"] == b"NXroot"
        assert file.attrs["schema_version"] == SCHEMA_VERSION
        entry = file[file.attrs["default"].decode()]
        assert entry.attrs["NX_class"] == b"NXentry"
        assert entry["title"][()].decode() == "C 1s"
        data = entry[entry.attrs["default"].decode()]
        assert data.attrs["NX_class"] == b"NXdata"
        assert [name.decode() for name in data.attrs["axes"]] == ["binding_energy"]
        np.testing.assert_array_equal(data[data.attrs["signal"].decode()], project.entries[0].spectrum.counts)
        assert data["binding_energy"].attrs["units"] == b"eV"
        fit = entry["fit_1_main"]
        assert fit.attrs["NX_class"] == b"NXfit"
        assert fit["peak_p2"].attrs["NX_class"] == b"NXpeak"
        assert fit["peak_p2"].attrs["label"].decode() == "CO₃"
        assert fit["peak_p2"].attrs["area"] == 500.25
        table = fit["parameters"]
        assert table["name"][0] == b"p1.area"
        assert table["value"][0] == 1523.1
        assert table["error"][0] == pytest.approx(math.sqrt(0.1))
        image = file["entry_2_image/data"]
        assert [name.decode() for name in image.attrs["axes"]] == ["distance", "distance_2", "energy_loss"]


def test_viewers_find_the_curves_of_a_fit(tmp_path):
    from fitting.curves import curves

    project = full_project()
    store.save(project, tmp_path / "a.sodalite")
    with h5py.File(tmp_path / "a.sodalite") as file:
        fit = file["entry_1_c1s/fit_1_main"]
        group = fit[fit.attrs["default"].decode()]
        assert group.attrs["NX_class"] == b"NXdata"
        entry = project.entries[0]
        expected = curves(entry.processed(), entry.fits[0].result.model)
        axis = group.attrs["axes"][0].decode()
        np.testing.assert_array_equal(group[axis], expected.x)
        np.testing.assert_array_equal(group[group.attrs["signal"].decode()], expected.y)
        for name in group.attrs["auxiliary_signals"]:
            np.testing.assert_array_equal(group[name.decode()], getattr(expected, name.decode()))
        assert "curves" not in file["entry_1_c1s/fit_2_free"]


def test_curves_that_cannot_be_drawn_do_not_keep_a_project_from_being_saved(tmp_path):
    odd = replace(model(), components=(replace(model().components[0], shape="no such shape"),))
    project = Project(entries=(Entry("a", spectrum(), fits=(RegionFit("f", odd, result(odd)),)),))
    store.save(project, tmp_path / "a.sodalite")
    assert store.load(tmp_path / "a.sodalite").equals(project)
    with h5py.File(tmp_path / "a.sodalite") as file:
        assert "curves" not in file["entry_1_a/fit_1_f"]


# ------------------------------------------------------------------------------------------------- failing saves


def _old(tmp_path) -> tuple[Path, Project]:
    path, old = tmp_path / "a.sodalite", Project("old")
    store.save(old, path)
    return path, old


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EDQUOT, errno.EIO])
@pytest.mark.parametrize("step", ["mkstemp", "write_bytes", "fsync", "replace"])
def test_a_write_error_keeps_the_old_file(tmp_path, monkeypatch, number, step):
    path, old = _old(tmp_path)

    def fail(*args, **kwargs):
        raise OSError(number, os.strerror(number))

    owner = {"mkstemp": tempfile, "fsync": os, "write_bytes": Path, "replace": Path}[step]
    with monkeypatch.context() as patch:
        patch.setattr(owner, step, fail)
        with pytest.raises(CannotWrite) as caught:
            store.save(full_project(), path)
    assert caught.value.todo
    assert str(path) in str(caught.value)
    assert store.load(path).equals(old)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
def test_a_read_only_file_or_folder_is_refused(tmp_path):
    path, old = _old(tmp_path)
    path.chmod(0o444)
    with pytest.raises(CannotWrite, match="read-only"):
        store.save(full_project(), path)
    assert store.load(path).equals(old)
    if os.geteuid() != 0:  # root may write everywhere
        path.chmod(0o644)
        tmp_path.chmod(0o555)
        try:
            with pytest.raises(CannotWrite, match="read-only"):
                store.save(full_project(), path)
            assert store.load(path).equals(old)
        finally:
            tmp_path.chmod(0o755)


def test_a_missing_folder_and_a_folder_as_target_are_refused(tmp_path):
    with pytest.raises(CannotWrite, match="does not exist"):
        store.save(Project(), tmp_path / "no" / "a.sodalite")
    with pytest.raises(CannotWrite, match="folder"):
        store.save(Project(), tmp_path)


def test_too_much_raw_data_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    path, old = _old(tmp_path)
    monkeypatch.setattr(store, "MAX_EMBEDDED", 1 << 20)
    big = Spectrum(Axis(np.arange(600_000.0), "channel"), np.ones(600_000, np.uint16))
    with pytest.raises(CannotWrite, match="1 MB"):
        store.save(Project(entries=(Entry("a", big),)), path)
    assert store.load(path).equals(old)


def test_what_would_not_come_back_is_refused(tmp_path):
    path, old = _old(tmp_path)
    for meta in (Meta(technique="magic"), Meta(title=5), Meta(comments=(b"bytes",)), Meta(index=1.5)):
        with pytest.raises(CannotWrite, match="Meta"):
            store.save(Project(entries=(Entry("a", spectrum(meta=meta)),)), path)
    odd = RegionFit("f", model(), result(model(), covariance=np.zeros((2, 3))))
    with pytest.raises(CannotWrite, match="covariance"):
        store.save(Project(entries=(Entry("a", spectrum(), fits=(odd,)),)), path)
    assert store.load(path).equals(old)


def test_a_text_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "MAX_TEXT", 1000)
    with pytest.raises(CannotWrite, match="longer"):
        store.save(Project(note="x" * 1001), tmp_path / "a.sodalite")


def test_numbers_of_numpy_are_numbers(tmp_path):
    meta = Meta(photon_energy=np.float64(1486.6), sweeps=np.int64(3), dwell_time=np.float32(0.5), title=np.str_("a"))
    project = Project(entries=(Entry("a", spectrum(meta=meta)),))
    store.save(project, tmp_path / "a.sodalite")
    assert store.load(tmp_path / "a.sodalite").equals(project)


# ------------------------------------------------------------------------------------------------- what is left over


def test_temporary_files_of_killed_saves_are_removed(tmp_path):
    path, _ = _old(tmp_path)
    left = tmp_path / ".sodalite-abcd1234.tmp"
    fresh = tmp_path / ".sodalite-abcd1235.tmp"
    others = [tmp_path / name for name in (".sodalite-abc.tmp", "sodalite-abcd1234.tmp", ".sodalite-abcd1234.tmp.bak")]
    folder = tmp_path / ".sodalite-abcd1236.tmp"
    folder.mkdir()
    for file in (left, fresh, *others):
        file.write_bytes(b"x")
    hour_ago = time.time() - 3600
    for file in (left, *others, folder):
        os.utime(file, (hour_ago, hour_ago))
    store.load(path)
    assert not left.exists()
    assert fresh.exists()  # may belong to a save in another window
    assert folder.is_dir()
    assert all(file.exists() for file in others)
    assert store.sweep(tmp_path, seconds=-1) == 1
    assert not fresh.exists()
    assert store.sweep(tmp_path / "missing") == 0


# ------------------------------------------------------------------------------------------------- plain rows


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        (True, float), ("1", float), (float("inf"), float), ({"float": "x"}, float), ({"float": 1}, float),
        (1.5, int), (True, int), (2**70, int), (1, bool), (None, str), (1, str), ([], str), ({}, float | str),
        ("x", float | None), ([1], tuple[str, ...]), (["a"], tuple[str, str]), ("ab", tuple[str, str]),
        ([["a", True]], tuple[tuple[str, float | str], ...]), (5, Meta), ({"no": 1}, Meta), ({"index": "1"}, Meta),
        ({"technique": "magic"}, Meta), ({"technique": ["xps"]}, Meta),
    ],
)  # fmt: skip
def test_wrong_data_are_refused(data, hint):
    from app.project.store_plain import value

    with pytest.raises(BadData):
        value(data, hint, "here")


def test_missing_fields_take_their_default_and_others_are_named():
    assert from_row(Meta, {"title": "a"}, "here") == Meta(title="a")
    with pytest.raises(BadData, match="quantity"):
        from_row(Axis, {"values": 1}, "here")
    assert row_of(Meta())["photon_energy"] is None
    assert plain(-math.inf, float, "here") == {"float": "-inf"}


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(BadProject, match="no such file"):
        store.load(tmp_path / "a.sodalite")
    with pytest.raises(BadProject, match="folder"):
        store.load(tmp_path)


def test_every_field_of_a_fit_and_a_sample_comes_back(tmp_path):
    """All fields at once, with values that differ from their defaults and are awkward to write."""
    project = simulated.with_models(simulated.sample("S"))
    entry = project.entries[0]
    fit = entry.fits[0]
    component = replace(
        fit.model.components[0], tag='t = 1 "q"', curve=Curve((-1.0, 0.0, 1.0, 2.5), (0.0, 1.0, 0.5, 1e-300), "näme"),
        extra=(("casa rsf", "1"), ("", "")), quantify=False,
    )
    background = replace(fit.model.background, anchors=((281.0, -3.5), (290.0, 0.1)), settings=(("b", 2866.0),))
    model = replace(fit.model, components=(component, *fit.model.components[1:]), background=background,
                    extra=(("x", "y\n"),))
    recipe = Recipe((Step("crop", (("low", 280.0), ("high", 292.0)), "n", False), Step("sign", (), "", True)))
    entry = replace(entry, fits=(RegionFit(fit.id, model),), variable="depth", value=-0.5, unit="nm", recipe=recipe)
    layering = Layering("F", "C", "NaF", "graphite", 45.0, 2.5, (StackLayer("NaF", ("F", "Na")), StackLayer("C", ())))
    sample = replace(project.samples[0], factors="f", transmission_exponent=-0.7, layering=layering, fallback=True,
                     transmission=((100.0, 1.0), (200.0, 0.5)), ratios=("Na/F",), material="NaF", note="n")
    project = replace(project.with_entry(entry).with_sample(sample), note="n\n",
                      ties=(Tie("a/b/p1.area", "{c/d/p1.area} * 2", "why"),), factor_sets=(("f", 'text,\n"x"'),))
    default = Sample("a", "b")
    differing = [f.name for f in fields(Sample) if getattr(sample, f.name) == getattr(default, f.name)]
    assert differing == ["studies"]  # a field that is added later must be given a value here
    store.save(project, tmp_path / "p.sodalite")
    again = store.load(tmp_path / "p.sodalite")
    assert again.equals(project)
    assert again.samples == project.samples
    assert again.entries[0].recipe == recipe
    assert again.entries[0].fits[0].model == model
    assert (again.ties, again.factor_sets) == (project.ties, project.factor_sets)


def test_a_response_and_what_is_convolved_come_back(tmp_path):
    from fitting.engine import fit
    from fitting.model import Background, Component, Curve, FitModel, Param

    energies = np.arange(-20, 21) * 0.1
    response = Curve(tuple(energies), tuple(np.exp(-0.5 * (energies / 0.3) ** 2)), "zero loss")
    plasmon = Component(
        "p1", "plasmon", "drude", {"area": Param(900.0, 0.0), "position": Param(15.0), "fwhm": Param(2.0, 0.1)},
        broadened=True,
    )
    model = FitModel((8.0, 25.0), Background("constant", {"level": Param(20.0)}), (plasmon,), response=response)
    x = np.arange(50, 300) * 0.1
    counts = np.random.default_rng(0).poisson(20.0 + 300.0 * np.exp(-0.5 * (x - 15.0) ** 2))
    spectrum = Spectrum(Axis(x, "energy_loss"), counts, Noise("poisson", 1.0))
    region = RegionFit("r1", model, result=fit(spectrum, model))
    project = Project("Losses", (Sample("s", "Al"),), (Entry("e", spectrum, "s", fits=(region,)),))
    store.save(project, tmp_path / "losses.sodalite")
    back = store.load(tmp_path / "losses.sodalite")
    loaded = back.entries[0].fits[0]
    assert loaded.model == model
    assert loaded.result is not None
    assert loaded.result.model.response == response
    assert loaded.result.model.components[0].broadened
