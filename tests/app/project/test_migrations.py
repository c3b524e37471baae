"""Older files are brought up to date step by step; newer ones are refused with the program that wrote them."""

from __future__ import annotations

import pytest

from app.project import migrations, store
from app.project.migrations import SCHEMA_VERSION, migrate
from app.project.project import Project
from app.project.store_layout import tree_of
from app.project.store_plain import from_text, to_text
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
    assert store.load(path).equals(full_project())
    assert path.read_bytes() == before  # opening writes nothing
    store.save(store.load(path), path)
    monkeypatch.delitem(migrations.MIGRATIONS, 0)
    assert store.load(path).equals(full_project())


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
