"""Projects whose images stay in their files: saved as references, found again, refused where changed, collected."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest

from app.files import read
from app.files.references import ChangedFile, MissingFile
from app.project import autosave, collect, store
from app.project.preview import exact, is_slow, preview
from app.project.project import Entry, Project, RegionFit, add_spectra
from app.project.store_child import load_in_child
from fitting import stored
from fitting.identity import same
from fitting.image.maps import Map
from fitting.image.place import Place, Roi
from fitting.model import Background, FitModel
from fitting.recipe import Recipe, Step
from libraries.errors import BadData, BadProject, CannotWrite
from tests.app.files import made_dm

E, Y, X = 24, 30, 20
DATA = np.random.default_rng(8).poisson(300.0, (E, Y, X)).astype("<f4")
AXES = [(-200.0, 0.5, "eV"), (0.0, 2.0, "nm"), (0.0, 2.0, "nm")]


@pytest.fixture(autouse=True)
def small_memory(monkeypatch, tmp_path):
    """Everything above a kilobyte stays on the disk; recovery files have a folder of their own."""
    monkeypatch.setattr(stored, "IN_MEMORY", 1000)
    monkeypatch.setenv("SODALITE_STATE_DIR", str(tmp_path / "state"))


@pytest.fixture
def scan(tmp_path):
    (tmp_path / "work").mkdir()
    path = tmp_path / "work" / "scan.dm4"
    path.write_bytes(made_dm.file(made_dm.image(DATA, AXES)))
    return path


@pytest.fixture
def project(scan):
    project = add_spectra(Project("Scan"), read(scan))
    values = np.arange(float(Y * X)).reshape(Y, X)
    error, flags = np.full((Y, X), 0.5), np.zeros((Y, X), np.uint8)
    values[2, 3], flags[2, 3] = np.nan, 3
    one = Map("t", "t/λ", "", values, error, flags, ((0, "good"), (3, "no zero loss")), "run", "thickness", "log-ratio",
              (("low", -2.0), ("how", "first minimum")), "abc")  # fmt: skip
    roi = Roi("shell", "Shell", "polygon", ((1, 1), (8, 2), (5, 9)))
    recipe = Recipe((Step("crop", (("low", 101.0), ("high", 108.0))),))
    fit = RegionFit("r1", FitModel((102.0, 106.0), Background("constant")), place="roi:shell")
    (entry,) = project.entries
    return project.with_entry(replace(entry, maps=(one,), rois=(roi,), recipe=recipe, fits=(fit,)))


def test_only_the_reference_is_saved(project, tmp_path):
    path = tmp_path / "work" / "a.sodalite"
    store.save(project, path)
    back = store.load(path)
    assert back.equals(project)
    assert same(back.entries[0].maps, project.entries[0].maps)
    assert back.entries[0].rois == project.entries[0].rois
    assert path.stat().st_size < DATA.nbytes / 2
    np.testing.assert_array_equal(back.entries[0].spectrum.rows(5, 99), project.entries[0].spectrum.rows(5, 99))
    assert same(load_in_child(path), back)
    assert back.entries[0].processed().hash == project.entries[0].processed().hash


def test_project_and_data_move_together(project, scan, tmp_path):
    store.save(project, tmp_path / "work" / "a.sodalite")
    (tmp_path / "work").rename(tmp_path / "moved")
    back = store.load(tmp_path / "moved" / "a.sodalite")
    assert back.entries[0].spectrum.counts.path == tmp_path / "moved" / "scan.dm4"
    assert back.equals(project)


def test_a_file_that_moved_alone_is_asked_for(project, scan, tmp_path):
    path = tmp_path / "work" / "a.sodalite"
    store.save(project, path)
    there = tmp_path / "archive.dm4"
    scan.rename(there)
    with pytest.raises(MissingFile, match=r"scan\.dm4: The image of this project is not where it was"):
        load_in_child(path)
    back = load_in_child(path, given={str(scan): there})
    assert back.equals(project)
    store.save(back, path)  # from now on it is known where
    assert load_in_child(path).equals(project)


def test_a_changed_file_is_refused(project, scan, tmp_path):
    path = tmp_path / "work" / "a.sodalite"
    store.save(project, path)
    counts = project.entries[0].spectrum.counts
    changed = bytearray(scan.read_bytes())
    changed[counts.offset + 4 * 7] ^= 255  # the eighth pixel: no sample sees it
    scan.write_bytes(bytes(changed))
    os.utime(scan, ns=(1, 1))
    with pytest.raises(ChangedFile, match="not the one that the project was made from"):
        store.load(path)


def test_work_is_saved_also_while_the_file_is_away(project, scan, tmp_path):
    path = tmp_path / "a.sodalite"
    scan.rename(tmp_path / "work" / "away.dm4")
    store.save(project, path)
    with pytest.raises(MissingFile):
        store.load(path)
    (tmp_path / "work" / "away.dm4").rename(scan)
    assert store.load(path).equals(project)


def test_a_recovery_file_holds_no_data_and_needs_no_saved_project(project, tmp_path):
    recovery = autosave.write_recovery(project)
    assert recovery.path.stat().st_size < 200_000
    assert autosave.recover(recovery).equals(project)
    path = tmp_path / "work" / "a.sodalite"
    store.save(project, path)
    changed = replace(project, note="later")
    assert autosave.recover(autosave.write_recovery(changed, path)).equals(changed)


@pytest.mark.parametrize(
    ("old", "new"),
    [('"order": [1', '"order": [7'), ('"offset": ', '"offset": -'), ('"dtype": "<f4"', '"dtype": "|O"'),
     ('"near": "scan', '"naer": "scan'), ('"size": ', '"size": "')],
)  # fmt: skip
def test_a_damaged_reference_is_refused(old, new, project, tmp_path):
    from app.project.store_layout import tree_of

    tree = tree_of(project, seen=store.seen_from(tmp_path / "work", whole=False))
    name = next(name for name in tree if name.startswith("entry_"))
    assert old in tree[name]["about"]
    tree[name]["about"] = tree[name]["about"].replace(old, new)
    with pytest.raises(BadProject):
        store.project_from(tree, tmp_path / "work" / "a.sodalite")


def test_what_does_not_fit_into_a_project_file_is_said_beforehand(project, tmp_path, monkeypatch):
    monkeypatch.setattr(store, "MAX_EMBEDDED", 100)
    with pytest.raises(CannotWrite, match="Spectra and maps hold"):
        store.save(project, tmp_path / "a.sodalite")


# -- collected ------------------------------------------------------------------------------------------------------


def test_collected_data_lie_beside_the_project_and_nothing_is_out_of_date(project, scan, tmp_path):
    target = tmp_path / "far" / "b.sodalite"
    target.parent.mkdir()
    told = []
    collected = collect.collect(project, target, lambda fraction, text: told.append(fraction))
    counts = collected.entries[0].spectrum.counts
    assert counts.path == tmp_path / "far" / "b data" / "scan.dm4"
    assert counts.path.read_bytes() == scan.read_bytes()
    assert collected.equals(project)  # same content, so the same hashes
    assert told[-1] == 1.0
    store.save(collected, target)
    scan.unlink()
    (tmp_path / "far").rename(tmp_path / "usb")
    assert store.load(tmp_path / "usb" / "b.sodalite").equals(project)


def test_two_files_of_one_name_are_collected_under_two(project, scan, tmp_path):
    other = tmp_path / "other" / "scan.dm4"
    other.parent.mkdir()
    other.write_bytes(made_dm.file(made_dm.image(2 * DATA, AXES)))
    both = add_spectra(project, read(other))
    target = tmp_path / "b.sodalite"
    collected = collect.collect(both, target)
    names = sorted(path.name for path in (tmp_path / "b data").iterdir())
    assert names == ["scan 2.dm4", "scan.dm4"]
    assert collected.equals(both)
    assert collect.collect(collected, target).equals(both)
    assert len(list((tmp_path / "b data").iterdir())) == 2


def test_collecting_nothing_or_onto_a_full_disk_is_said(project, tmp_path, monkeypatch):
    with pytest.raises(BadData, match="in the project file already"):
        collect.collect(Project(), tmp_path / "a.sodalite")
    monkeypatch.setattr(collect, "_ROOM", 1 << 60)
    with pytest.raises(CannotWrite, match="are free"):
        collect.collect(project, tmp_path / "a.sodalite")


# -- sums that take time --------------------------------------------------------------------------------------------


def test_an_estimate_stands_for_the_sum_until_it_is_read(project, monkeypatch):
    (entry,) = project.entries
    assert not is_slow(entry)
    monkeypatch.setattr("app.project.preview._SLOW", 100)
    assert is_slow(entry)
    shown = preview(entry)
    sum_ = DATA.sum(axis=(1, 2))[2:17].astype(float)
    assert shown.axis.values.tolist() == entry.processed().x.tolist()
    # 48 of 600 pixels of 300 counts: half a per cent.
    assert np.max(np.abs(shown.y / sum_ - 1)) < 0.03
    assert dict(shown.meta.extra)["preview"] == "estimated from 48 of 600 spectra"
    found = exact(entry)
    np.testing.assert_allclose(found.y, sum_, rtol=1e-6)
    assert entry.single() is found
    assert not is_slow(entry)
    place = Place(roi="shell")
    assert is_slow(entry, place)
    assert same(exact(entry, place), replace(entry, maps=()).processed().summed(entry.rois[0].mask((Y, X))))


def test_an_entry_of_memory_is_never_slow():
    from tests.app.project.projects import full_project

    entry: Entry = full_project().entries[0]
    assert not is_slow(entry)
    assert same(exact(entry), entry.single())
