"""The Identify page: elements with evidence, marks on the plot, regions as one step, limits, Auger parameter."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPushButton

from app.gui import theme
from app.project.project import Project, add_spectra
from fitting.simulate.samples import xps_sample
from fitting.simulate.xps import expectation, noisy

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture(scope="module")
def spectra():
    simulation = noisy(expectation(xps_sample("Cycled hard carbon")), 4)
    return [simulation.spectrum(name) for name in ("Survey", "O 1s", "Na 1s")]


def button(widget, text):
    return next(b for b in widget.findChildren(QPushButton) if b.text() == text)


def identified(qtbot, window, spectra):
    window.files.show_project(add_spectra(Project("Surveys"), spectra), None)
    panel = window.identify_panel
    panel.shift.setText("0.85")
    window.actions_["quantify.identify"].trigger()
    qtbot.waitUntil(lambda: window.tasks.idle and panel.result is not None, timeout=60_000)
    return panel


def test_identify_mark_and_add_regions(qtbot, window, spectra):
    panel = identified(qtbot, window, spectra)
    document, tree = window.document, panel.tree
    assert panel.isVisible()
    assert {"C", "O", "Na", "F", "Cl"} <= set(tree.shown())
    assert "Na KL1L23" in panel.warnings.text()
    assert not document.undo_text  # looking changes nothing

    row = tree.shown().index("Na")
    tree.setFocus()
    qtbot.mouseClick(tree.viewport(), LEFT, pos=tree.visualItemRect(tree.topLevelItem(row)).center())
    assert any(mark.name == "Na 1s" for mark in window.view.scene.marks)
    assert panel.reason.text().startswith("Na:")
    assert tree.topLevelItem(row).childCount() >= 3
    qtbot.keyClick(tree, Qt.Key.Key_Right)
    assert tree.topLevelItem(row).isExpanded()
    qtbot.keyClick(tree, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert "missing" in QGuiApplication.clipboard().text() or "seen" in QGuiApplication.clipboard().text()
    qtbot.mouseClick(button(panel, "Clear marks"), LEFT)
    assert not window.view.scene.marks

    panel.add.click()
    regions = [fit.model.region for fit in document.entry.fits]
    assert len(regions) >= 4
    assert document.undo_text.startswith("Add regions")
    document.undo()
    assert not document.entry.fits
    assert panel.result is not None

    panel.filter.setCurrentIndex(2)
    panel.filter.activated.emit(2)
    assert len(tree.shown()) > 6
    theme.apply(QGuiApplication.instance(), "dark")
    assert {"C", "O", "Na"} <= set(tree.shown())


def test_limit_parameter_and_refusals(qtbot, window, spectra):
    window.files.show_project(add_spectra(Project("Surveys"), spectra), None)
    panel = window.identify_panel
    window.inspector.show_page("Identify")
    panel.element.setText("S")
    qtbot.keyClick(panel.element, Qt.Key.Key_Return)
    assert "Press Identify first" in panel.said
    panel.shift.setText("soon")
    panel.go.click()
    assert panel.said
    assert window.tasks.idle
    panel = identified(qtbot, window, spectra)
    panel.element.setText("S")
    qtbot.keyClick(panel.element, Qt.Key.Key_Return)
    assert "S 2p" in panel.limit.text()
    # Of the maxima of Na 1s and Na KLL: the sodium of the sample is the cited ion layer, 2060.6 eV.
    assert panel.parameter is not None
    assert abs(panel.parameter.value - 2060.6) < 0.15
    assert panel.value.text().startswith("α' = ")
    assert panel.cited.rows.rowCount() == 2
    narrow = window.document.project.entries[1]
    window.document.select(narrow.id)
    assert panel.result is None
    assert "A survey tells more: Survey" in panel.summary.text()
