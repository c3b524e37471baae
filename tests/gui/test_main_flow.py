"""The main job in the window, from a measured file to exported tables, with mouse and keys alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QApplication

from app.gui.view_state import ViewState
from app.gui.window import MainWindow
from app.project import store
from app.project.project import Project
from tests.gui.flow import Hands, measured_file

CTRL = Qt.KeyboardModifier.ControlModifier


def fit_everything(hands: Hands) -> None:
    """Regions, backgrounds, peaks and fits of three spectra."""
    window, document = hands.window, hands.window.document
    hands.show("C 1s")
    hands.region(280.5, 296.5)
    assert document.fit.model.background.kind == "shirley_active"
    for energy in (284.72, 286.3, 289.6):
        hands.peak(energy)
    assert len(document.fit.model.components) == 3
    hands.fit()
    assert document.fit.result.success, document.fit.result.message

    carbon = document.fit.model.components[0]
    hands.component(0)
    assert document.selection.component == carbon.id
    hands.keys(Qt.Key.Key_E, CTRL)
    panel = window.calibrate_panel
    hands.choose(panel.reference, panel.reference.findText("284.6", Qt.MatchFlag.MatchContains))
    hands.press(panel.from_peak)
    hands.press(panel.apply_button)
    assert document.fit.model.component(carbon.id).value("position") == pytest.approx(284.6, abs=0.02)

    hands.show("N 1s")
    hands.region(392.5, 405.0)
    hands.background("shirley")
    assert document.fit.model.background.kind == "shirley"
    hands.peak(397.5)
    hands.fit()
    assert document.fit.result.success

    hands.show("V 2p + O 1s")
    hands.region(508.5, 528.8)
    hands.doublet("V 2p", 513.3)
    hands.doublet("V 2p", 516.3)
    assert [c.line for c in document.fit.model.components] == ["V 2p3/2", "V 2p1/2"] * 2
    hands.fit()
    assert document.fit.result.success


def quantified(hands: Hands) -> dict[str, float]:
    """Press Quantify; at.% by element."""
    window = hands.window
    hands.tool("quantify.sample")
    hands.settle()
    hands.qtbot.waitUntil(lambda: window.composition.table.model().rowCount() > 0, timeout=20_000)
    from app.project import work

    table = work.composition(window.document.project, window.document.entry.sample)
    assert window.composition.table.model().rowCount() >= len(table.rows)
    return {row.element: row.at_percent for row in table.elements}


@contextmanager
def new_window(qtbot) -> Iterator[MainWindow]:
    """A window of its own, closed without questions whatever happens."""
    window = MainWindow(ViewState())
    with qtbot.waitActive(window):
        window.show()
        window.activateWindow()
    try:
        yield window
    finally:
        window._leaving = True
        window.close()
        window.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def walk(qtbot, tmp_path: Path) -> None:
    """The whole flow."""
    with new_window(qtbot) as window:
        saved, last = work_through(Hands(qtbot, window), tmp_path)
    with new_window(qtbot) as window:
        Hands(qtbot, window).open(saved)
        assert window.document.project.equals(last)
    assert store.load(saved).equals(last)


def work_through(hands: Hands, tmp_path: Path) -> tuple[Path, Project]:
    """Open, fit, refer, quantify, undo and redo, save, export; the saved file and what it must hold."""
    window = hands.window
    source = measured_file(tmp_path)
    hands.open(source)
    assert [e.title for e in window.document.project.entries] == ["V 2p + O 1s", "C 1s", "N 1s"]
    fit_everything(hands)
    found = quantified(hands)
    assert set(found) == {"C", "N", "V"}
    assert sum(found.values()) == pytest.approx(100.0)
    # True ratio of VN with its oxidised share: 25 V to 20 N.
    assert found["V"] / found["N"] == pytest.approx(1.25, abs=0.15)

    last = window.document.project
    steps = undo_all(hands)
    assert steps >= 10
    assert not window.document.entry.fits
    redo_all(hands)
    assert window.document.project.equals(last)

    saved = tmp_path / "vn.sodalite"
    hands.save(saved)
    export(hands, tmp_path)
    return saved, last


def undo_all(hands: Hands) -> int:
    """Ctrl+Z until the import; how often."""
    document = hands.window.document
    steps = 0
    while document.undo_text and not document.undo_text.startswith("Import"):
        before = document.project
        hands.keys(Qt.Key.Key_Z, CTRL)
        assert document.project is not before, document.undo_text
        steps += 1
    return steps


def redo_all(hands: Hands) -> None:
    """Ctrl+Shift+Z to the end."""
    while hands.window.document.redo_text:
        hands.keys(Qt.Key.Key_Z, CTRL | Qt.KeyboardModifier.ShiftModifier)


def export(hands: Hands, folder: Path) -> None:
    """CSV tables and HDF5 through the menu and its dialogs."""
    window = hands.window
    tables = folder / "tables"
    tables.mkdir()
    hands.menu("File", "Export", "CSV tables in a folder…")
    hands.choose_file(window.exports.dialog, tables)
    hands.settle()
    assert any("at.%" in path.read_text(encoding="utf-8") for path in tables.rglob("*.csv"))
    hands.menu("File", "Export", "HDF5 (NeXus)…")
    hands.choose_file(window.exports.dialog, folder / "all.nxs")
    hands.settle()
    with h5py.File(folder / "all.nxs") as file:
        assert file.attrs["NX_class"] == "NXroot"


def test_main_flow(qtbot, tmp_path):
    walk(qtbot, tmp_path)


@pytest.mark.xvfb
def test_main_flow_in_a_real_window(qtbot, tmp_path):
    walk(qtbot, tmp_path)
