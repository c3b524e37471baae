"""Panels that move: a dock whose title bar holds its tabs, so that no line of the window is lost to a title."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QEnterEvent
from PySide6.QtWidgets import (
    QDockWidget,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QSizePolicy,
    QStackedWidget,
    QTabBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.gui.style.icons import icon
from app.gui.theme import GAP_1, GAP_3

BAR = 36


class TitleBar(QWidget):
    """Tabs or a word at the left; float and close at the right, seen under the pointer. Drag it to move the panel."""

    def __init__(self, dock: QDockWidget, left: QWidget) -> None:
        super().__init__(dock)
        self.setObjectName("dockTitle")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._buttons = QWidget()
        row = QHBoxLayout(self._buttons)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        for name, tip, action in (
            ("float", "Take out of the window", lambda: dock.setFloating(not dock.isFloating())),
            ("close", "Hide (View menu shows it again)", dock.close),
        ):
            button = QToolButton()
            button.setIcon(icon(name, "muted"))
            button.setIconSize(QSize(12, 12))
            button.setToolTip(tip)
            button.setAccessibleName(f"{tip.split(' (')[0]}: {dock.windowTitle()}")
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            button.clicked.connect(action)
            row.addWidget(button)
        policy = self._buttons.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self._buttons.setSizePolicy(policy)
        self._buttons.hide()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, GAP_1, 0)
        layout.setSpacing(0)
        layout.addWidget(left)
        layout.addStretch(1)
        layout.addWidget(self._buttons)

    def sizeHint(self) -> QSize:
        """One height for all panels."""
        return QSize(super().sizeHint().width(), BAR)

    def minimumSizeHint(self) -> QSize:
        """One height for all panels."""
        return QSize(super().minimumSizeHint().width(), BAR)

    def enterEvent(self, event: QEnterEvent) -> None:
        """Show the buttons."""
        self._buttons.show()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Hide the buttons."""
        self._buttons.hide()
        super().leaveEvent(event)


class Dock(QDockWidget):
    """A panel with one page and a word as its title."""

    def __init__(self, name: str, title: str, page: QWidget, parent: QMainWindow) -> None:
        super().__init__(title, parent)
        self.setObjectName(name)
        label = QLabel(title)
        label.setProperty("role", "heading")
        label.setContentsMargins(GAP_3, 0, 0, 0)
        self.setTitleBarWidget(TitleBar(self, label))
        self.setWidget(page)
        self.setAccessibleName(title)


class TabbedDock(QDockWidget):
    """A panel with several pages, chosen by tabs in its title bar.

    Parameters
    ----------
    pages : sequence of (title, widget)
    """

    def __init__(self, name: str, title: str, pages: Sequence[tuple[str, QWidget]], parent: QMainWindow) -> None:
        super().__init__(title, parent)
        self.setObjectName(name)
        self.setAccessibleName(title)
        self.tabs = QTabBar()
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        # More pages than room: arrows lead to the rest, so that tabs never make the window wider.
        self.tabs.setUsesScrollButtons(True)
        self.tabs.setElideMode(Qt.TextElideMode.ElideNone)
        self.tabs.setAccessibleName(f"{title} pages")
        self.tabs.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.stack = QStackedWidget()
        for words, page in pages:
            self.tabs.addTab(words)
            self.stack.addWidget(page)
        self.tabs.currentChanged.connect(self.stack.setCurrentIndex)
        self.setTitleBarWidget(TitleBar(self, self.tabs))
        holder = QWidget()
        layout = QVBoxLayout(holder)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.stack)
        self.setWidget(holder)

    def show_page(self, title: str) -> QWidget:
        """Bring a page to the front, and the panel if it is hidden."""
        index = [self.tabs.tabText(i) for i in range(self.tabs.count())].index(title)
        self.tabs.setCurrentIndex(index)
        self.show()
        self.raise_()
        return self.stack.widget(index)

    def offer(self, titles: Collection[str], first: str = "") -> None:
        """Show the tabs of these pages and hide the others.

        Where the page in front goes, the one called `first` comes, else the first left.
        """
        wanted = [self.tabs.tabText(i) in titles for i in range(self.tabs.count())]
        if wanted == [self.tabs.isTabVisible(i) for i in range(self.tabs.count())]:
            return
        front = self.tabs.currentIndex()
        for i, seen in enumerate(wanted):
            self.tabs.setTabVisible(i, seen)
        # Qt 6.11 leaves the room of tabs that are hidden last; a text that is set lays all of them out anew.
        self.tabs.setTabText(0, self.tabs.tabText(0))
        if not wanted[front] and any(wanted):
            at = next((i for i, seen in enumerate(wanted) if seen and self.tabs.tabText(i) == first), None)
            self.tabs.setCurrentIndex(wanted.index(True) if at is None else at)

    @property
    def page(self) -> str:
        """Title of the page in front."""
        return self.tabs.tabText(self.tabs.currentIndex())
