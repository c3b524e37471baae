"""Older files are brought up to date step by step; newer ones are refused with the program that wrote them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.project import migrations, store, work
from app.project.migrations import SCHEMA_VERSION, migrate
from app.project.project import Project, RegionFit, add_spectra
from app.project.store_layout import tree_of
from app.project.store_plain import from_text, to_text
from fitting import engine
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.model import Component, Param
from libraries.errors import BadProject
from tests.app.project.projects import full_project


def _as_version_0(tree):
    """As an imaginary first version was: the head of the project called "head", entries without notes on their axes."""
    old = dict(tree) | {"@schema_version": 0, "head": tree["project"]}
    del old["project"]
    for name in [name for name in old if name.startswith("entry_")]:
        about = from_text(old[name]["about"], name)
        about["title"] = about.pop("name")
        old[name] = old[name] | {"about": to_text(about)}
    return old


def _from_version_0(tree):
    new = dict(tree) | {"project": tree["head"]}
    del new["head"]
    for name in [name for name in new if name.startswith("entry_")]:
        about = from_text(new[name]["about"], name)
        about["name"] = about.pop("title")
        new[name] = new[name] | {"about": to_text(about)}
    return new


def _write(tree, path):
    path.write_bytes(store.image_of(tree, path))
    return path


def test_a_file_of_version_0_is_migrated(tmp_path, monkeypatch):
    path = _write(_as_version_0(tree_of(full_project())), tmp_path / "old.sodalite")
    before = path.read_bytes()
    with pytest.raises(BadProject, match="version 0, which this program cannot read any more"):
        store.load(path)
    monkeypatch.setitem(migrations.MIGRATIONS, 0, _from_version_0)
    assert store.load(path).equals(full_project().map_entries(store.with_todays_hashes))
    assert path.read_bytes() == before  # opening writes nothing
    store.save(store.load(path), path)
    monkeypatch.delitem(migrations.MIGRATIONS, 0)
    assert store.load(path).equals(full_project().map_entries(store.with_todays_hashes))


def test_steps_follow_each_other():
    steps = {n: lambda tree, n=n: {**tree, "done": [*tree.get("done", []), n]} for n in range(5)}
    tree = {"@schema": migrations.SCHEMA, "@schema_version": 1}
    assert migrate(tree, "here", migrations=steps, target=4)["done"] == [1, 2, 3]
    assert migrate(tree, "here", migrations=steps, target=4)["@schema_version"] == 4
    assert "done" not in tree


def test_every_version_since_the_first_has_a_migration():
    assert set(migrations.MIGRATIONS) == set(range(1, SCHEMA_VERSION))


def test_a_newer_file_is_refused(tmp_path):
    tree = tree_of(Project()) | {"@schema_version": SCHEMA_VERSION + 1, "@program": "Sodalite 9.9"}
    with pytest.raises(BadProject, match=r"version 4 \(written by Sodalite 9.9\).*up to version 3.*Update") as caught:
        store.load(_write(tree, tmp_path / "new.sodalite"))
    assert "new.sodalite" in caught.value.where


@pytest.mark.parametrize("version", [-1, "1", "", None])
@pytest.mark.parametrize("schema", [migrations.SCHEMA, "other"])
def test_a_version_that_is_none_is_refused(tmp_path, version, schema):
    tree = tree_of(Project()) | {"@schema_version": version, "@schema": schema}
    if version is None:
        del tree["@schema_version"]
    with pytest.raises(BadProject, match="not a project"):
        store.load(_write(tree, tmp_path / "odd.sodalite"))


def test_results_of_older_programs_belong_to_their_data(tmp_path):
    x = np.linspace(280.0, 290.0, 60)
    y = 100.0 + 900.0 * np.exp(-0.5 * ((x - 285.0) / 0.6) ** 2)
    spectrum = Spectrum(Axis(x, "binding_energy"), y, Noise("poisson", 1.0), Meta(title="C 1s", technique="xps"))
    project, region = work.add_region(add_spectra(Project(), [spectrum]), "c_1s", 280.0, 290.0, "linear")
    fit = project.entry("c_1s").fit(region)
    values = {"area": 1300.0, "position": 285.0, "fwhm": 1.4, "mix": 0.0}
    peak = Component("p1", "", "gl_sum", {name: Param(value, minimum=0.0) for name, value in values.items()})
    fit = replace(fit, model=fit.model.with_component(peak))
    result = replace(engine.fit(spectrum, fit.model), data_hash="as an older program worked it out")
    project = project.with_entry(project.entry("c_1s").with_fit(RegionFit(region, result.model, result)))
    for version, expected in ((2, spectrum.hash), (SCHEMA_VERSION, result.data_hash)):
        tree = tree_of(project) | {"@schema_version": version}
        path = _write(tree, tmp_path / f"{version}.sodalite")
        assert store.load(path).entry("c_1s").fits[0].result.data_hash == expected
