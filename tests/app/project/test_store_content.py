"""Files with a right digest and wrong content, as a forger would write them: a BadProject, never another error."""

from __future__ import annotations

import json

import numpy as np
import pytest

from app.project import store
from app.project.project import Project
from app.project.store_layout import tree_of
from app.project.store_plain import from_text, to_text
from libraries.errors import BadProject
from tests.app.project.projects import full_project

E1 = "entry_1_c1s"


def _walk(tree, path=()):
    for name, item in tree.items():
        if "@" not in name:
            yield (*path, name)
            if isinstance(item, dict):
                yield from _walk(item, (*path, name))


def _at(tree, path):
    for name in path:
        tree = tree[name]
    return tree


ITEMS = [path for path in _walk(tree_of(full_project(), copies=False)) if path[-1] != "title"]


@pytest.mark.parametrize("item", ITEMS, ids="/".join)
@pytest.mark.parametrize("instead", ["nothing", "text", "numbers", "texts", "list", "scalar", "group"])
def test_every_item_may_be_missing_or_of_the_wrong_kind(tmp_path, item, instead):
    """With a right digest, as a forger would write it: a BadProject, or a project (where a fit is left out, say)."""
    tree = tree_of(full_project(), copies=False)
    owner = _at(tree, item[:-1])
    other = {
        "text": "{}",
        "numbers": np.array([[np.nan, 1.0]]),
        "texts": np.array([b"a"]),
        "list": "[1, null]",
        "scalar": np.array(3),
        "group": {},
    }
    for key in [key for key in owner if key.partition("@")[0] == item[-1]]:
        del owner[key]
    if instead != "nothing":
        owner[item[-1]] = other[instead]
    optional = item[-1] in ("result", "transmission") or item[-1].startswith(("fit", "entry"))
    fine = (instead == "nothing" and optional) or (instead == "text" and item == ("project",))
    assert isinstance(_opened(tmp_path, tree), Project if fine else BadProject)


def _opened(tmp_path, tree):
    """The project, or the BadProject with a full message."""
    path = tmp_path / "a.sodalite"
    path.write_bytes(store.image_of(tree, path))
    return _complete(lambda: store.load(path), path)


def _complete(opening, path):
    try:
        return opening()
    except BadProject as error:
        return error if error.what and str(path) in error.where and error.todo else AssertionError(str(error))


ODD = [None, True, -1, 2**63, 10**400, 1.5, "", "nan", [], {}, [[]], {"float": "nan"}, {"float": []}]


def _leaves(data, path=()):
    yield path
    if isinstance(data, dict):
        for key in data:
            yield from _leaves(data[key], (*path, key))
    elif isinstance(data, list):
        for index in range(len(data)):
            yield from _leaves(data[index], (*path, index))


def _replaced(data, path, new):
    if not path:
        return new
    copy = dict(data) if isinstance(data, dict) else list(data)
    copy[path[0]] = _replaced(data[path[0]], path[1:], new)
    return copy


TEXTS = [path for path in ITEMS if isinstance(_at(tree_of(full_project(), copies=False), path), str)]


@pytest.mark.parametrize("item", TEXTS, ids="/".join)
def test_every_value_in_every_text_may_be_anything(tmp_path, item):
    """Each value of each JSON text replaced by odd ones: a BadProject or a project, never another error."""
    path = tmp_path / "a.sodalite"
    tree = tree_of(full_project(), copies=False)
    data = from_text(_at(tree, item), "here")
    owner = _at(tree, item[:-1])
    refused = 0
    for number, leaf in enumerate(_leaves(data)):
        for odd in (ODD[number % len(ODD)], ODD[(3 * number + 1) % len(ODD)]):
            owner[item[-1]] = json.dumps(_replaced(data, leaf, odd))
            outcome = _complete(lambda: store.project_from(tree, path), path)
            assert isinstance(outcome, (Project, BadProject)), (leaf, odd)
            refused += isinstance(outcome, BadProject)
    assert refused > 0


def test_texts_that_are_hard_to_parse_are_refused(tmp_path):
    for text in ("[" * 100_000, "1" * 5000, '{"a": ' * 5000, '"\\ud800"', "\0", "NaN", "1e999", "{", ""):
        for item in (("project",), (E1, "about"), (E1, "fit_1_main", "model")):
            tree = tree_of(full_project(), copies=False)
            _at(tree, item[:-1])[item[-1]] = text
            assert isinstance(_opened(tmp_path, tree), BadProject), (item, text[:20])


def test_a_link_formula_from_a_file_cannot_do_anything(tmp_path):
    for link in ("__import__('os').system('true')", "open('x','w')", "p1.area.__class__", "p2.area", "1" * 300):
        tree = tree_of(full_project(), copies=False)
        model = from_text(tree[E1]["fit_1_main"]["model"], "here")
        model["components"][1]["params"]["area"]["link"] = link
        tree[E1]["fit_1_main"]["model"] = to_text(model)
        assert isinstance(_opened(tmp_path, tree), BadProject), link
