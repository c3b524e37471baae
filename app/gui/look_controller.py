"""Handlers of the View and Help menus: panels, theme, plot, shortcuts, about."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy
import PySide6
import scipy
from PySide6.QtCore import QObject, QSize, Qt
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from app import __version__
from app.gui import theme as themes
from app.gui.actions import COMMANDS, MENUS
from app.gui.style.icons import application_icon
from app.gui.table_view import Cell, Column, TableView
from app.gui.theme import GAP_2, GAP_4

if TYPE_CHECKING:
    from app.gui.window import MainWindow

PLOT_KEYS = (
    ("Tab", "Choose the next component"), ("Arrow keys", "Move the component, change its height"),
    ("Shift + arrow keys", "The same in larger steps"), ("+ and −", "Change its width"), ("Del", "Delete it"),
    ("A", "Show the whole spectrum"), ("Esc", "Let go, put the tool away"),
)


class LookController(QObject):
    """How the window looks and what it says of itself."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.dialog: QDialog | None = None

    # -- panels -------------------------------------------------------------------------------------------------

    def show_project(self, on: bool) -> None:
        """Show or hide the list of spectra."""
        self._window.project_dock.setVisible(on)

    def show_inspector(self, on: bool) -> None:
        """Show or hide the inspector."""
        self._window.inspector.setVisible(on)

    def show_page(self, title: str) -> None:
        """Bring a page of the inspector to the front."""
        self._window.inspector.show_page(title).setFocus()

    def show_results(self, on: bool) -> None:
        """Show or hide the results."""
        self._window.results.setVisible(on)

    def restore_layout(self) -> None:
        """Panels as at the first start."""
        self._window.default_layout()

    def sync_panels(self) -> None:
        """The View menu says which panels are shown."""
        window = self._window
        for id, dock in (("view.project", window.project_dock), ("view.inspector", window.inspector),
                         ("view.results", window.results)):
            window.actions_[id].setChecked(not dock.isHidden())

    # -- theme and plot -----------------------------------------------------------------------------------------

    def set_theme(self, choice: themes.Choice) -> None:
        """Light, dark, or as the system."""
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        themes.apply(app, choice)
        self._window.state.set("theme", choice)

    def sync_theme(self) -> None:
        """The View menu says which theme is chosen."""
        self._window.actions_[f"view.{themes.choice()}"].setChecked(True)

    def full_scale(self) -> None:
        """Show the whole spectrum."""
        self._window.view.autoscale()

    def whole_zero_loss(self, on: bool) -> None:
        """Show the zero loss in full."""
        self._window.view.set_whole(on)

    def logarithmic(self, on: bool) -> None:
        """Draw the counts of mass spectra as their logarithm."""
        self._window.view.set_logarithmic(on)

    def focus_plot(self) -> None:
        """Give the plot the keyboard."""
        self._window.view.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def focus_search(self) -> None:
        """Go to the command search."""
        self._window.search.start()

    # -- help ---------------------------------------------------------------------------------------------------

    def shortcuts(self) -> None:
        """All shortcuts in a table."""
        table = TableView("Keyboard shortcuts", (Column("Where"), Column("Command"), Column("Keys")))
        rows = [
            [Cell(menu, role="muted"), Cell(c.text.rstrip("…"), c.tip), Cell(_native(c.shortcut))]
            for menu in MENUS for c in COMMANDS if c.menu.split("/")[0] == menu and c.shortcut
        ]
        rows += [[Cell("Plot", role="muted"), Cell(what), Cell(keys)] for keys, what in PLOT_KEYS]
        table.set_rows(rows)
        dialog = self._dialog("Keyboard shortcuts", table)
        dialog.resize(560, 620)
        dialog.open()

    def about(self) -> None:
        """Version and licence."""
        sign = QLabel()
        sign.setPixmap(application_icon().pixmap(QSize(64, 64), self._window.devicePixelRatioF()))
        text = QLabel(
            f"<p style='font-size:large'><b>Sodalite {__version__}</b></p>"
            "<p>Photoelectron spectra of battery materials, from the file to the composition.</p>"
            f"<p>Python {sys.version.split()[0]}, Qt {PySide6.__version__}, NumPy {numpy.__version__}, "
            f"SciPy {scipy.__version__}</p><p>Free software under the GNU General Public License, version 3 or later; "
            "it comes without any warranty.</p>"
        )
        text.setWordWrap(True)
        text.setMinimumWidth(340)
        page = QWidget()
        row = QHBoxLayout(page)
        row.setSpacing(GAP_4)
        row.addWidget(sign, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(text, 1)
        self._dialog("About Sodalite", page).open()

    def _dialog(self, title: str, page: QWidget) -> QDialog:
        dialog = QDialog(self._window)
        dialog.setWindowTitle(title)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(dialog.close)
        layout = QVBoxLayout(dialog)
        layout.setContentsMargins(GAP_4, GAP_4, GAP_4, GAP_4)
        layout.setSpacing(GAP_2)
        layout.addWidget(page, 1)
        layout.addWidget(buttons)
        self.dialog = dialog
        dialog.destroyed.connect(self._gone)
        return dialog

    def _gone(self) -> None:
        self.dialog = None


def _native(keys: str) -> str:
    return QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)


def screen_fits(width: int, height: int) -> QSize:
    """A window size that the screen can hold."""
    screen = QGuiApplication.primaryScreen()
    room = screen.availableGeometry().size() if screen else QSize(width, height)
    return QSize(min(width, room.width()), min(height, room.height()))
