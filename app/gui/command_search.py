"""The search field at the top right (Ctrl+K): finds commands and library lines, and does what is chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QAction, QColor, QFocusEvent, QKeyEvent, QKeySequence, QPainter, QPalette
from PySide6.QtWidgets import (
    QFrame,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QMainWindow,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.gui import theme as themes
from app.gui.actions import COMMANDS
from app.gui.find import Found, find
from app.gui.style.icons import icon
from app.gui.theme import GAP_1, GAP_3, ICON

FIELD_WIDTH = 256
POPUP_WIDTH = 420
LINE = 30
ENTRY = Qt.ItemDataRole.UserRole
SIGNS = {"element": "sample", "line": "peak", "compound": "sample"}


class _Delegate(QStyledItemDelegate):
    """Icon and text at the left, shortcut or energy in muted letters at the right."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: object) -> None:
        entry: Found = index.data(ENTRY)  # type: ignore[attr-defined]
        colours = themes.current()
        painter.save()
        box = option.rect.adjusted(GAP_1, 1, -GAP_1, -1)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.selected))
            painter.drawRoundedRect(box, 5, 5)
        index.data(Qt.ItemDataRole.DecorationRole).paint(  # type: ignore[attr-defined]
            painter, box.left() + 8, box.top(), ICON, box.height()
        )
        words = box.adjusted(8 + ICON + 10, 0, -10, 0)
        metrics = painter.fontMetrics()
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.setPen(QColor(colours.text))
        painter.drawText(words, left, entry.text)
        room = words.width() - metrics.horizontalAdvance(entry.text) - GAP_3
        painter.setPen(QColor(colours.muted))
        painter.drawText(words, right, metrics.elidedText(entry.detail, Qt.TextElideMode.ElideRight, max(room, 0)))
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: object) -> QSize:
        return QSize(POPUP_WIDTH, LINE)


class CommandSearch(QLineEdit):
    """The field and its list.

    Signals
    -------
    library_wanted(str, str)
        An element, line or compound was chosen: kind and name.
    """

    library_wanted = Signal(str, str)

    def __init__(self, actions: dict[str, QAction], window: QMainWindow) -> None:
        super().__init__(window)
        self._actions, self._window = actions, window
        self._before: QWidget | None = None
        self.setObjectName("commandSearch")
        keys = QKeySequence("Ctrl+K").toString(QKeySequence.SequenceFormat.NativeText)
        self.setPlaceholderText(f"Find command or line  {keys}")
        self.setAccessibleName("Find a command, an element, a line or a compound")
        self.setFixedWidth(FIELD_WIDTH)
        self.addAction(icon("search", "muted"), QLineEdit.ActionPosition.LeadingPosition)
        self.popup = QFrame(window)
        self.popup.setObjectName("searchPopup")
        self.popup.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list = QListWidget()
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setItemDelegate(_Delegate(self.list))
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setAccessibleName("Finds")
        self.list.setMouseTracking(True)
        self.list.itemEntered.connect(self.list.setCurrentItem)
        self.list.itemClicked.connect(lambda _: self.choose())
        layout = QVBoxLayout(self.popup)
        layout.setContentsMargins(1, GAP_1, 1, GAP_1)
        layout.addWidget(self.list)
        self.popup.hide()
        self.textEdited.connect(self.refresh)
        themes.changes().changed.connect(self._recolour)
        self._recolour()

    def _recolour(self) -> None:
        palette = self.palette()
        palette.setColor(QPalette.ColorRole.PlaceholderText, QColor(themes.current().muted))
        self.setPalette(palette)

    def start(self) -> None:
        """Take the keyboard and show what can be done."""
        focused = self._window.focusWidget()
        if focused is not self:
            self._before = focused
        self.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.selectAll()
        self.refresh()

    def commands(self) -> Iterable[Found]:
        """The commands that make sense now."""
        for command in COMMANDS:
            action = self._actions[command.id]
            if command.fill or not action.isEnabled() or command.id == "help.search":
                continue
            keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            path = command.menu.replace("/", " › ")
            text = f"{path.split(' › ')[-1]}: {command.text}" if "/" in command.menu else action.text()
            words = f"{text} {command.menu} {command.tip}".lower().replace("/", " ").replace("…", "")
            yield Found("command", command.id, text, keys or path, words)

    def refresh(self) -> None:
        """Show the finds for what stands in the field."""
        self.list.clear()
        for entry in find(self.text(), self.commands()):
            item = QListWidgetItem(entry.text, self.list)
            item.setData(ENTRY, entry)
            sign = SIGNS.get(entry.kind, "")
            picture = self._actions[entry.key].icon() if entry.kind == "command" else icon(sign, "muted")
            item.setIcon(icon("chevron_right", "muted") if picture.isNull() else picture)
        if self.list.count():
            self.list.setCurrentRow(0)
            self._place()
        else:
            self.popup.hide()

    def _place(self) -> None:
        height = self.list.count() * LINE + 2 * GAP_1 + 4
        corner = self.mapTo(self._window, QPoint(self.width() - POPUP_WIDTH, self.height() + GAP_1))
        self.popup.setGeometry(max(corner.x(), 0), corner.y(), POPUP_WIDTH, height)
        self.popup.show()
        self.popup.raise_()

    def choose(self) -> None:
        """Do what is chosen in the list."""
        item = self.list.currentItem()
        if item is None:
            return
        entry: Found = item.data(ENTRY)
        self.leave()
        if entry.kind == "command":
            self._actions[entry.key].trigger()
        else:
            self.library_wanted.emit(entry.kind, entry.key)

    def leave(self) -> None:
        """Close the list and give the keyboard back."""
        self.clear()
        self.popup.hide()
        before: Callable[..., None] | None = getattr(self._before, "setFocus", None)
        if before is not None:
            before(Qt.FocusReason.OtherFocusReason)
        self._before = None

    # -- events -------------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up and down walk the list, Return chooses, Escape leaves."""
        row, count = self.list.currentRow(), self.list.count()
        if event.key() == Qt.Key.Key_Down and count:
            self.list.setCurrentRow((row + 1) % count)
        elif event.key() == Qt.Key.Key_Up and count:
            self.list.setCurrentRow((row - 1) % count)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.choose()
        elif event.key() == Qt.Key.Key_Escape:
            self.leave()
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """The list goes with the keyboard."""
        self.popup.hide()
        super().focusOutEvent(event)

    def mousePressEvent(self, event: object) -> None:
        """A click shows the list too."""
        super().mousePressEvent(event)  # type: ignore[arg-type]
        if not self.popup.isVisible():
            self.refresh()
