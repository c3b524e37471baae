"""The style sheet, written out for a theme."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import lru_cache
from pathlib import Path
from string import Template

from app.gui.style.icons import svg
from app.gui.theme import Theme

_SHEET = Template("""
* { outline: none; }
QAbstractItemView { outline: 0; }
QMainWindow, QDialog { background: $window; }
QToolTip { background: $raised; color: $text; border: 1px solid $border_strong; padding: 5px 7px; }

QDialogButtonBox, QMessageBox { dialogbuttonbox-buttons-have-icons: 0; }

QMenuBar { background: $panel; color: $text; padding: 2px 6px; border: none; }
QMenuBar::item { padding: 5px 9px; border-radius: 5px; background: transparent; }
QMenuBar::item:selected { background: $hover; }
QMenuBar::item:pressed { background: $accent_soft; color: $accent; }
QMenu { background: $panel; color: $text; border: 1px solid $border_strong; padding: 5px; }
QMenu::item { padding: 6px 26px 6px 10px; border-radius: 5px; }
QMenu::item:selected { background: $accent_soft; color: $text; }
QMenu::item:disabled { color: $faint; }
QMenu::icon { padding-left: 8px; }
QMenu::separator { height: 1px; background: $border; margin: 5px 8px; }

QToolBar { background: $panel; border: none; border-bottom: 1px solid $border; padding: 4px 8px 5px 8px; spacing: 2px; }
QToolBar::separator { width: 1px; background: $border; margin: 6px 7px; }
QToolButton { color: $text; background: transparent; border: 1px solid transparent; border-radius: 6px;
              padding: 5px 5px; }
QToolButton:hover { background: $hover; }
QToolButton:pressed { background: $pressed; }
QToolButton:focus { border-color: $accent; }
QToolButton:checked { background: $accent; color: $accent_text; }
QToolButton:checked:hover { background: $accent_hover; }
QToolButton[role="fold"], QToolButton[role="fold"]:checked { background: transparent; color: $text;
                                                             text-align: left; padding: 5px 0; }
QToolButton[role="fold"]:hover, QToolButton[role="fold"]:checked:hover { background: $hover; }
QToolButton:disabled { color: $faint; }
QToolButton::menu-indicator { image: none; width: 0; }

QPushButton { background: $raised; color: $text; border: 1px solid $border_strong; border-radius: 6px;
              padding: 5px 12px; min-height: 16px; }
QPushButton:hover { background: $hover; }
QPushButton:pressed { background: $pressed; }
QPushButton:focus { border-color: $accent; }
QPushButton:disabled { color: $faint; border-color: $border; }
QPushButton:checked { background: $accent_soft; border-color: $accent; color: $accent; }
QPushButton[primary="true"], QPushButton:default { background: $accent; color: $accent_text; border-color: $accent; }
QPushButton[primary="true"]:hover, QPushButton:default:hover { background: $accent_hover; border-color: $accent_hover; }
QPushButton[primary="true"]:focus { border-color: $selected; }
QPushButton[primary="true"]:disabled { background: $hover; color: $faint; border-color: $border; }
QPushButton[flat="true"] { background: transparent; border-color: transparent; }
QPushButton[flat="true"]:hover { background: $hover; }
QPushButton[flat="true"]:focus { border-color: $accent; }
QPushButton[link="true"] { background: transparent; border: 1px solid transparent; color: $accent; text-align: left;
                           padding: 4px 6px 4px 2px; }
QPushButton[link="true"]:hover { background: $accent_soft; }
QPushButton[link="true"]:focus { border-color: $accent; }

QLineEdit, QAbstractSpinBox, QComboBox, QPlainTextEdit, QTextEdit {
    background: $panel; color: $text; border: 1px solid $border_strong; border-radius: 6px; padding: 4px 7px;
    selection-background-color: $accent; selection-color: $accent_text; }
QLineEdit:hover, QAbstractSpinBox:hover, QComboBox:hover { border-color: $muted; }
QLineEdit:focus, QAbstractSpinBox:focus, QComboBox:focus, QPlainTextEdit:focus { border-color: $accent; }
QLineEdit:disabled, QAbstractSpinBox:disabled, QComboBox:disabled { color: $faint; background: $sunken;
    border-color: $border; }
QLineEdit#commandSearch { background: $sunken; border-color: $border; padding: 5px 9px; }
QLineEdit#commandSearch:focus { background: $panel; border-color: $accent; }
QComboBox::drop-down { border: none; width: 22px; }
QComboBox::down-arrow { image: url($chevron_down); width: 12px; height: 12px; }
QComboBox QAbstractItemView { background: $panel; color: $text; border: 1px solid $border_strong; padding: 4px;
    selection-background-color: $selected; selection-color: $text; }
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button { border: none; background: transparent; width: 16px; }
QAbstractSpinBox::up-arrow { image: url($chevron_up); width: 10px; height: 10px; }
QAbstractSpinBox::down-arrow { image: url($chevron_down); width: 10px; height: 10px; }
QCheckBox, QRadioButton { spacing: 7px; }
QCheckBox:focus, QRadioButton:focus { color: $accent; }
QCheckBox::indicator, QTreeView::indicator, QTableView::indicator { width: 14px; height: 14px;
    border: 1px solid $border_strong; border-radius: 4px; background: $panel; }
QCheckBox::indicator:hover { border-color: $accent; }
QCheckBox::indicator:checked, QTreeView::indicator:checked, QTableView::indicator:checked {
    background: $accent; border-color: $accent; image: url($check); }
QLabel { background: transparent; }
QLabel[role="muted"] { color: $muted; }
QLabel[role="heading"] { font-weight: 600; }
QLabel[role="title"] { font-size: ${huge}px; font-weight: 600; }
QLabel[role="warning"] { color: $warning; }
QLabel[role="danger"] { color: $danger; }

QTreeView, QTableView, QListView { background: $panel; alternate-background-color: $sunken; color: $text;
    border: none; gridline-color: $border; selection-background-color: $selected; selection-color: $text;
    show-decoration-selected: 1; }
QTreeView::item, QListView::item { padding: 4px 2px; border: none; }
QTableView::item { padding: 2px 5px; border: none; }
QTreeView::item:hover, QListView::item:hover, QTableView::item:hover { background: $hover; }
QTreeView::item:selected, QListView::item:selected, QTableView::item:selected { background: $selected; color: $text; }
QTreeView::item:selected:active, QTreeView::item:selected:!active { background: $selected; color: $text; }
QTreeView::branch { background: transparent; }
QTreeView::branch:hover { background: $hover; }
QTreeView::branch:selected { background: $selected; }
QTreeView::branch:closed:has-children { image: url($chevron_right); }
QTreeView::branch:open:has-children { image: url($chevron_down); }
QHeaderView { background: $panel; }
QHeaderView::section { background: $panel; color: $muted; border: none; border-bottom: 1px solid $border;
    padding: 6px 8px; font-weight: 500; }
TableView QHeaderView::section { padding: 6px 8px; }
QTableCornerButton::section { background: $panel; border: none; }

QTabWidget::pane { border: none; border-top: 1px solid $border; background: $panel; }
QTabBar { background: transparent; qproperty-drawBase: 0; }
QTabBar::tab { background: transparent; color: $muted; padding: 8px 7px 7px 7px; border: none;
    border-bottom: 2px solid transparent; }
QTabBar::tab:hover { color: $text; background: $hover; }
QTabBar::tab:selected { color: $accent; border-bottom-color: $accent; }
QTabBar::tab:focus { color: $accent; }
QTabBar::scroller { width: 44px; }
QTabBar QToolButton { background: $panel; border: 1px solid $border; border-radius: 4px; width: 20px; padding: 1px; }
QTabBar QToolButton:hover { background: $hover; border-color: $border_strong; }
QTabBar QToolButton::left-arrow { image: url($chevron_left); width: 12px; height: 12px; }
QTabBar QToolButton::right-arrow { image: url($chevron_right); width: 12px; height: 12px; }

QDockWidget { color: $muted; font-weight: 500; titlebar-close-icon: url($close); titlebar-normal-icon: url($float); }
QWidget#dockTitle { background: $panel; border-bottom: 1px solid $border; }
QDockWidget::title { background: $panel; }
QDockWidget::close-button, QDockWidget::float-button { border: none; border-radius: 4px; padding: 1px; }
QDockWidget::close-button:hover, QDockWidget::float-button:hover { background: $hover; }
QDockWidget > QWidget { background: $panel; }
QMainWindow::separator { background: $border; width: 1px; height: 1px; margin: 0px; }
QMainWindow::separator:hover { background: $accent; }
QSplitter::handle { background: $border; }
QSplitter::handle:hover { background: $accent; }
QSplitter::handle:horizontal { width: 1px; }
QSplitter::handle:vertical { height: 1px; }

QStatusBar { background: $panel; color: $muted; border-top: 1px solid $border; }
QStatusBar::item { border: none; }
QStatusBar QLabel { color: $muted; padding: 3px 4px; }
QProgressBar { background: $hover; border: none; border-radius: 3px; max-height: 6px; min-height: 6px; }
QProgressBar::chunk { background: $accent; border-radius: 3px; }

QScrollArea, QScrollArea > QWidget > QWidget { background: transparent; border: none; }
QAbstractScrollArea::corner { background: transparent; border: none; }
QScrollBar:vertical { background: transparent; width: 11px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 11px; margin: 0; }
QScrollBar::handle { background: $border_strong; border-radius: 4px; margin: 2px; }
QScrollBar::handle:vertical { min-height: 26px; }
QScrollBar::handle:horizontal { min-width: 26px; }
QScrollBar::handle:hover { background: $faint; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QGroupBox { border: none; margin-top: 20px; font-weight: 600; }
QGroupBox::title { subcontrol-origin: margin; left: 0; color: $text; }
QFrame[frameShape="4"], QFrame[frameShape="5"] { color: $border; }

QFrame#messageBar[kind="info"] { background: $accent_soft; border-bottom: 1px solid $border; }
QFrame#messageBar[kind="warning"], QFrame#messageBar[kind="question"] { background: $warning_soft;
    border-bottom: 1px solid $border; }
QFrame#messageBar[kind="error"] { background: $danger_soft; border-bottom: 1px solid $border; }
QFrame#dropFrame { border: 1px dashed $border_strong; border-radius: 10px; background: $sunken; }
QFrame#dropFrame[over="true"] { border-color: $accent; background: $accent_soft; }
QWidget#plotPane, QWidget#welcome { background: $panel; }
QFrame#searchPopup { background: $panel; border: 1px solid $border_strong; }
""")


@lru_cache(maxsize=1)
def _folder() -> Path:
    """Where the little pictures that a style sheet can only name by file are written, for this run."""
    folder = Path(tempfile.mkdtemp(prefix="sodalite-style-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _picture(name: str, colour: str) -> str:
    file = _folder() / f"{name}-{colour.lstrip('#')}.svg"
    if not file.exists():
        file.write_text(svg(name, colour), encoding="utf-8")
    return file.as_posix()


def style_sheet(theme: Theme, pixels: int) -> str:
    """The style sheet for a theme and a font size in pixels."""
    words = {name: value for name, value in vars(theme).items() if isinstance(value, str)}
    words |= {
        "chevron_down": _picture("chevron_down", theme.muted),
        "chevron_up": _picture("chevron_up", theme.muted),
        "chevron_right": _picture("chevron_right", theme.muted),
        "chevron_left": _picture("chevron_left", theme.muted),
        "check": _picture("check", theme.accent_text),
        "close": _picture("close", theme.muted),
        "float": _picture("float", theme.muted),
        "huge": str(round(pixels * 1.7)),
    }
    return _SHEET.substitute(words)
