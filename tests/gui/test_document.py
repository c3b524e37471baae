"""The document: undo and redo of everything, merged edits, selection."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.gui.document import Document
from app.project import work
from app.project.project import Project
from fitting import guess
from fitting.model import Param
from tests.gui import plot_support as support


def edits(document: Document, count: int) -> list[Project]:
    """Make edits of every kind, one after the other; the projects after each."""
    rng = np.random.default_rng(5)
    states = []
    for number in range(count):
        before = document.project
        entry, fit = document.entry, document.fit
        kind = number % 6
        if kind == 0:
            value = float(rng.uniform(283, 290))
            model = fit.model.with_params({"p1.position": replace(fit.model.params["p1.position"], value=value)})
            document.edit_model("Move", model)
        elif kind == 1:
            middle = float(np.mean(fit.model.region))
            model = guess.add_peak(document.spectrum(), fit.model, middle, name=f"new {number}")
            document.edit_model("Add", model)
        elif kind == 2:
            background = "linear_active" if fit.model.background.kind != "linear_active" else "constant"
            document.edit_model("Background", guess.change_background(document.spectrum(), fit.model, background))
        elif kind == 3:
            project = work.charge_reference(document.project, entry.sample, 284.5, 284.5 + rng.normal(0, 0.3), "test")
            document.apply("Charge reference", project)
        elif kind == 4:
            low, high = fit.model.region
            document.edit_model("Region", replace(fit.model, region=(low + 0.01, high - 0.01)))
        else:
            changed = fit.model.with_params({"p2.fwhm": Param(1.4, link="p1.fwhm * 1.2" if number % 12 == 5 else "")})
            document.edit_model("Link", changed)
        assert document.project is not before, kind
        states.append(document.project)
    return states


def test_fifty_steps_back_and_forth(qapp):
    document = Document(support.project(support.two_peaks()))
    document.select("c1s")
    first = document.project
    states = edits(document, 60)
    for state in reversed([first, *states[:-1]]):
        document.undo()
        assert document.project.equals(state)
    assert not document.undo_text
    assert document.project is first
    for state in states:
        document.redo()
        assert document.project.equals(state)
    assert not document.redo_text


def test_a_drag_is_one_step(qapp):
    document = Document(support.project(support.two_peaks()))
    document.select("c1s")
    first = document.project
    for step in range(5):
        moved = document.fit.model.with_values({"p1.position": 284.6 + 0.1 * step})
        document.edit_model("Drag", moved, merge="drag p1")
    document.close_merge()
    document.edit_model("Drag", document.fit.model.with_values({"p1.position": 285.9}), merge="drag p1")
    document.undo()
    assert document.fit.model.params["p1.position"].value == pytest.approx(285.0)
    document.undo()
    assert document.project is first


def test_a_new_edit_forgets_what_was_undone(qapp):
    document = Document(support.project(support.two_peaks()))
    document.select("c1s")
    edits(document, 3)
    document.undo()
    document.edit_model("Move", document.fit.model.with_values({"p1.area": 5.0}))
    assert not document.redo_text


def test_selection_stays_valid(qapp):
    document = Document(support.project(support.two_peaks()))
    document.select("c1s", "r1", "p2")
    document.edit_model("Delete", document.fit.model.without("p2"))
    assert document.selection.component is None
    document.undo()
    assert document.selection.component == "p2"
    document.apply("Remove", document.project.without_entry("c1s"))
    assert document.entry is None
    assert document.fit is None
    assert document.spectrum() is None
