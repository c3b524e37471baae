"""A user's hands: the main flow with mouse and keys only, shared by the offscreen and the Xvfb test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QDialogButtonBox,
    QFileDialog,
    QLineEdit,
    QPushButton,
    QWidget,
)
from shiboken6 import isValid

from app.files.vamas_writer import write_vamas
from app.gui.window import MainWindow
from fitting.simulate.samples import xps_sample
from fitting.simulate.xps import expectation, noisy
from tests.gui.plot_support import click, drag

LEFT = Qt.MouseButton.LeftButton
REGIONS = ("V 2p + O 1s", "C 1s", "N 1s")


def measured_file(folder: Path) -> Path:
    """A VAMAS file of a simulated sample: what an analyst brings from the instrument."""
    simulation = noisy(expectation(xps_sample("VN on sodium")), 7)
    path = folder / "VN on sodium.vms"
    write_vamas(path, [simulation.spectrum(name) for name in REGIONS])
    return path


class Hands:
    """Presses buttons and keys of a window, and waits for its work."""

    def __init__(self, qtbot, window: MainWindow) -> None:
        self.qtbot, self.window = qtbot, window

    def settle(self) -> None:
        """Until all work is done."""
        self.qtbot.waitUntil(lambda: self.window.tasks.idle, timeout=60_000)

    def press(self, button: QAbstractButton) -> None:
        """Click a button where it is."""
        assert button.isEnabled(), button.text()
        self.qtbot.mouseClick(button, LEFT)

    def tool(self, id: str) -> None:
        """Click a button of the toolbar."""
        self.press(self.window.toolbar.findChild(QAbstractButton, f"button.{id}"))

    def keys(self, sequence: Qt.Key, modifiers: Qt.KeyboardModifier, widget: QWidget | None = None) -> None:
        """Press a key on the window, which a dialog may have left without the keyboard."""
        self.window.activateWindow()
        self.qtbot.waitUntil(self.window.isActiveWindow)
        QTest.keyClick(widget or self.window, sequence, modifiers)

    def type_into(self, field: QLineEdit, text: str) -> None:
        """Replace what a field holds."""
        field.setFocus()
        self.qtbot.keyClick(field, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
        self.qtbot.keyClicks(field, text)

    def choose_file(self, dialog: QFileDialog, path: Path) -> None:
        """Paste a path into a file dialog and press its button."""
        self.qtbot.waitUntil(dialog.isVisible)
        name = dialog.findChild(QLineEdit, "fileNameEdit")
        # The list of completions would take the keys that follow.
        name.setCompleter(None)
        # Pasted: while a path is typed the dialog follows it into its folders and rewrites the field.
        QApplication.clipboard().setText(str(path))
        name.setFocus()
        self.qtbot.keyClick(name, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
        self.qtbot.keyClick(name, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
        buttons = dialog.findChild(QDialogButtonBox)
        accept = next(b for b in buttons.buttons() if buttons.buttonRole(b) == QDialogButtonBox.ButtonRole.AcceptRole)
        self.qtbot.mouseClick(accept, LEFT)
        self.qtbot.waitUntil(lambda: not isValid(dialog) or not dialog.isVisible())

    def open(self, path: Path) -> None:
        """Ctrl+O and the name of a file."""
        self.keys(Qt.Key.Key_O, Qt.KeyboardModifier.ControlModifier)
        self.qtbot.waitUntil(lambda: self.window.files.dialog is not None)
        self.choose_file(self.window.files.dialog, path)
        self.settle()
        self.qtbot.waitUntil(lambda: bool(self.window.document.project.entries), timeout=20_000)

    def save(self, path: Path) -> None:
        """Ctrl+S; asked for a name the first time."""
        self.keys(Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
        if self.window.document.path is None:
            self.qtbot.waitUntil(lambda: self.window.files.dialog is not None)
            self.choose_file(self.window.files.dialog, path)
        self.settle()
        self.qtbot.waitUntil(lambda: not self.window.document.dirty, timeout=20_000)

    def show(self, title: str) -> None:
        """Click a spectrum in the tree."""
        tree = self.window.tree
        for i in range(tree.topLevelItemCount()):
            top = tree.topLevelItem(i)
            for j in range(top.childCount()):
                if top.child(j).text(0) == title:
                    tree.scrollToItem(top.child(j))
                    place = tree.visualItemRect(top.child(j)).center()
                    self.qtbot.mouseClick(tree.viewport(), LEFT, pos=QPoint(40, place.y()))
                    assert self.window.document.entry.title == title
                    return
        raise AssertionError(f"{title} is not in the tree")

    def at(self, energy: float, height: float | None = None):
        """A pixel of the plot: that energy, at a height in counts (by default the middle of the plot)."""
        view = self.window.view
        spectrum = self.window.document.spectrum()
        if height is None:
            height = float(0.5 * (spectrum.y.min() + spectrum.y.max()))
        return view.data_position(energy, height)

    def region(self, low: float, high: float) -> None:
        """Draw a region with the region tool."""
        self.tool("fit.region_tool")
        drag(self.window.view.viewport(), self.at(high), self.at(low))
        assert self.window.document.fit is not None

    def peak(self, energy: float) -> None:
        """Click a peak onto the data."""
        spectrum = self.window.document.spectrum()
        if not self.window.actions_["fit.peak_tool"].isChecked():  # the tool stays for the next peak
            self.tool("fit.peak_tool")
        height = float(np.interp(energy, spectrum.x, spectrum.y))
        click(self.window.view.viewport(), self.at(energy, height))

    def doublet(self, line: str, energy: float) -> None:
        """Add a spin-orbit pair from the library."""
        self.tool("fit.doublet")
        panel = self.window.model_panel
        self.type_into(panel.line, line)
        self.type_into(panel.place, f"{energy:g}")
        self.qtbot.keyClick(panel.place, Qt.Key.Key_Return)

    def choose(self, box: QComboBox, want: int) -> None:
        """Go to an entry of a list with the arrow keys."""
        box.setFocus()
        for _ in range(box.count()):
            if box.currentIndex() != want:
                self.qtbot.keyClick(box, Qt.Key.Key_Down if box.currentIndex() < want else Qt.Key.Key_Up)
        assert box.currentIndex() == want

    def background(self, kind: str) -> None:
        """Choose a background in the Model panel."""
        box = self.window.model_panel.kind
        self.choose(box, box.findData(kind))
        assert self.window.document.fit.model.background.kind == kind

    def component(self, row: int) -> None:
        """Click a component in the table."""
        table = self.window.model_panel.table
        self.qtbot.mouseClick(table.viewport(), LEFT, pos=table.visualRect(table.model().index(row, 0)).center())
        assert self.window.document.selection.component is not None

    def menu(self, *texts: str) -> None:
        """Click through the menus: "File", "Export", "CSV tables in a folder…"."""
        place = self.window.menuBar()
        for text in texts:
            action = next(a for a in place.actions() if a.text().replace("&", "") == text)
            # A menu opened from a test has no pointer in it, so its action is made the active one first.
            self.qtbot.mouseClick(place, LEFT, pos=place.actionGeometry(action).center())
            if action.menu() is not None:
                if not action.menu().isVisible():
                    place.setActiveAction(action)
                self.qtbot.waitUntil(action.menu().isVisible)
                place = action.menu()

    def fit(self) -> None:
        """Press Fit and wait."""
        self.tool("fit.region")
        self.settle()

    def button(self, owner: QWidget, text: str) -> QPushButton:
        """A button by its words."""
        return next(b for b in owner.findChildren(QPushButton) if b.text().replace("&", "") == text)
