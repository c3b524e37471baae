"""The table of commands as Qt actions, menus and a toolbar."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Any

from PySide6.QtCore import QObject, QSize, Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu, QToolBar, QToolButton

from app.gui.actions import COMMANDS, MENUS, Command, conditions
from app.gui.style.icons import icon
from app.gui.theme import ICON


@dataclass(frozen=True)
class Row:
    """One row of a submenu that is filled when it opens."""

    text: str
    argument: Any
    tip: str = ""
    checked: bool | None = None
    apart: bool = False  # a line above it


class ActionSet(QObject):
    """All actions of a window.

    Parameters
    ----------
    window : QMainWindow
        Owner of the controllers that the commands name.
    fillers : dict of str to callable
        Rows of the submenus that are filled when they open.
    """

    def __init__(self, window: QMainWindow, fillers: dict[str, Callable[[], Iterable[Row]]]) -> None:
        super().__init__(window)
        self._window, self._fillers = window, fillers
        self._groups: dict[str, QActionGroup] = {}
        self._submenus: dict[str, QMenu] = {}
        self.actions: dict[str, QAction] = {}
        for command in COMMANDS:
            self.actions[command.id] = self._submenu(command) if command.fill else self._action(command)

    def __getitem__(self, id: str) -> QAction:
        return self.actions[id]

    def handler(self, command: Command) -> Callable[..., object]:
        """The method that a command names."""
        return reduce(getattr, command.handler.split("."), self._window)

    def _dressed(self, action: QAction, command: Command) -> QAction:
        action.setObjectName(command.id)
        if command.icon:
            action.setIcon(icon(command.icon))
        keys = QKeySequence(command.shortcut).toString(QKeySequence.SequenceFormat.NativeText)
        tip = command.tip or command.text.rstrip("…")
        action.setToolTip(f"{tip}  ({keys})" if keys else tip)
        action.setStatusTip("")
        if command.toolbar:
            action.setIconText(command.toolbar)
        return action

    def _action(self, command: Command) -> QAction:
        action = self._dressed(QAction(command.text, self._window), command)
        if command.shortcut:
            action.setShortcut(QKeySequence(command.shortcut))
            if command.local:
                action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            if command.id == "edit.redo":
                action.setShortcuts([QKeySequence(command.shortcut), QKeySequence("Ctrl+Y")])
        call = self.handler(command)
        if command.choice:
            action.setCheckable(True)
            group = self._groups.setdefault(command.choice, QActionGroup(self))
            group.addAction(action)
            action.triggered.connect(lambda _=False: call(command.argument))
        elif command.checkable:
            action.setCheckable(True)
            action.triggered.connect(lambda on: call(on))
        else:
            action.triggered.connect(lambda _=False: call(command.argument) if command.argument else call())
        if command.id == "file.quit":
            action.setMenuRole(QAction.MenuRole.QuitRole)
        elif command.id == "help.about":
            action.setMenuRole(QAction.MenuRole.AboutRole)
        self._window.addAction(action)
        return action

    def _submenu(self, command: Command) -> QAction:
        menu = QMenu(command.text, self._window)
        menu.setToolTipsVisible(True)
        menu.aboutToShow.connect(lambda: self._fill(menu, command))
        self._submenus[command.id] = menu
        return self._dressed(menu.menuAction(), command)

    def _fill(self, menu: QMenu, command: Command) -> None:
        menu.clear()
        call = self.handler(command)
        for row in self._fillers[command.fill]():
            if row.apart:
                menu.addSeparator()
            action = menu.addAction(row.text.replace("&", "&&"))
            action.setToolTip(row.tip)
            if row.checked is not None:
                action.setCheckable(True)
                action.setChecked(row.checked)
            action.setData(row.argument)
            action.triggered.connect(lambda _=False, argument=row.argument: call(argument))
        if not menu.actions():
            menu.addAction("None yet").setEnabled(False)

    def rows(self, id: str) -> list[QAction]:
        """The rows of a filled submenu as it would open now."""
        menu = self._submenus[id]
        menu.aboutToShow.emit()
        return menu.actions()

    # -- menus and toolbar --------------------------------------------------------------------------------------

    def build_menus(self) -> None:
        """Fill the window's menu bar."""
        bar = self._window.menuBar()
        menus = {name: bar.addMenu(name) for name in MENUS}
        last: dict[str, int] = {}
        for command in sorted(COMMANDS, key=lambda c: c.group):
            top, _, below = command.menu.partition("/")
            if last.setdefault(top, command.group) != command.group:
                menus[top].addSeparator()
                last[top] = command.group
            if below and command.menu not in menus:
                menus[command.menu] = menus[top].addMenu(below)
            menus[command.menu].addAction(self.actions[command.id])
        self.menus = menus

    def build_toolbar(self) -> QToolBar:
        """The toolbar with its buttons."""
        bar = QToolBar("Toolbar", self._window)
        bar.setObjectName("toolbar")
        bar.setMovable(False)
        bar.setIconSize(QSize(ICON, ICON))
        bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        last = 0
        # A stable sort keeps the order of the table inside a group.
        for command in sorted((c for c in COMMANDS if c.toolbar), key=lambda c: c.bar_group):
            if command.bar_group != last:
                bar.addSeparator()
                last = command.bar_group
            bar.addAction(self.actions[command.id])
            button = bar.widgetForAction(self.actions[command.id])
            assert isinstance(button, QToolButton)
            button.setObjectName(f"button.{command.id}")
            button.setProperty("iconOnly", command.icon_only)
            button.setAccessibleName(command.text.rstrip("…"))
            button.setAccessibleDescription(command.tip)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            if command.fill:
                button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.set_words(bar, True)
        return bar

    @staticmethod
    def set_words(bar: QToolBar, words: bool) -> None:
        """Words beside the icons of the toolbar, or icons only where there is little room."""
        for button in bar.findChildren(QToolButton):
            if button.objectName().startswith("button."):
                plain = not words or button.property("iconOnly")
                style = Qt.ToolButtonStyle
                button.setToolButtonStyle(style.ToolButtonIconOnly if plain else style.ToolButtonTextBesideIcon)

    # -- state --------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Enable what makes sense now and name the steps of undo and redo."""
        window: Any = self._window
        holds = conditions(window.document, window.tasks)
        for command in COMMANDS:
            enabled = holds[command.enabled]
            action = self.actions[command.id]
            if action.isEnabled() != enabled:
                action.setEnabled(enabled)
        for id, word, text in (
            ("edit.undo", "Undo", window.document.undo_text), ("edit.redo", "Redo", window.document.redo_text)
        ):
            full = f"{word} {text[:1].lower()}{text[1:]}" if text else word
            if self.actions[id].text() != full:
                self.actions[id].setText(full)
                keys = self.actions[id].shortcut().toString(QKeySequence.SequenceFormat.NativeText)
                self.actions[id].setToolTip(f"{full}  ({keys})")
