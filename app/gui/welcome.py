"""What the window shows before there is data: where to drop files, what to open, samples to try."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.gui.style.icons import application_icon, icon
from app.gui.theme import GAP_1, GAP_2, GAP_3, GAP_4, GAP_5

WIDTH = 700
MOST_RECENT = 5


def _label(text: str, role: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", role)
    label.setWordWrap(role == "muted")
    return label


class Welcome(QWidget):
    """The page of an empty project.

    Signals
    -------
    open_wanted(), import_wanted()
    sample_wanted(str)
        Key of the sample project.
    recent_wanted(Path)
    """

    open_wanted = Signal()
    sample_wanted = Signal(str)
    recent_wanted = Signal(object)

    def __init__(
        self, samples: Sequence[tuple[str, str, str]], formats: Callable[[], str], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("welcome")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName("Start")
        self._recent = QVBoxLayout()
        self._recent.setSpacing(0)
        column = QVBoxLayout()
        column.setSpacing(GAP_4)
        column.addStretch(2)
        column.addLayout(self._heading())
        column.addWidget(self._drop_frame(formats()))
        lists = QHBoxLayout()
        lists.setSpacing(GAP_5)
        lists.addLayout(self._samples(samples), 1)
        lists.addLayout(self._recent, 1)
        column.addLayout(lists)
        column.addStretch(3)
        middle = QWidget()
        middle.setLayout(column)
        middle.setMaximumWidth(WIDTH)
        outer = QHBoxLayout(self)
        outer.addStretch(1)
        outer.addWidget(middle, 100)
        outer.addStretch(1)
        self.set_recent(())

    def _heading(self) -> QHBoxLayout:
        sign = QLabel()
        sign.setPixmap(application_icon().pixmap(QSize(44, 44), self.devicePixelRatioF()))
        words = QVBoxLayout()
        words.setSpacing(GAP_1)
        words.addWidget(_label("Sodalite", "title"))
        words.addWidget(_label("Photoelectron spectra of battery materials, from the file to the composition", "muted"))
        row = QHBoxLayout()
        row.setSpacing(GAP_3)
        row.addWidget(sign)
        row.addLayout(words, 1)
        return row

    def _drop_frame(self, formats: str) -> QFrame:
        frame = QFrame()
        frame.setObjectName("dropFrame")
        self.drop_frame = frame
        sign = QLabel()
        sign.setPixmap(icon("import", "accent").pixmap(QSize(28, 28), self.devicePixelRatioF()))
        words = QVBoxLayout()
        words.setSpacing(GAP_1)
        words.addWidget(_label("Drop files here", "heading"))
        words.addWidget(_label(f"Sodalite projects, {formats}" if formats else "Spectra or Sodalite projects", "muted"))
        self.open_button = QPushButton("Open…")
        self.open_button.setProperty("primary", True)
        self.open_button.clicked.connect(self.open_wanted)
        row = QHBoxLayout(frame)
        row.setContentsMargins(GAP_5, GAP_5, GAP_5, GAP_5)
        row.setSpacing(GAP_4)
        row.addWidget(sign)
        row.addLayout(words, 1)
        row.addWidget(self.open_button)
        return frame

    def _samples(self, samples: Sequence[tuple[str, str, str]]) -> QVBoxLayout:
        layout = QVBoxLayout()
        layout.setSpacing(0)
        layout.addWidget(_label("Try a sample project", "heading"))
        layout.addSpacing(GAP_2)
        for key, title, tip in samples:
            layout.addWidget(self._link(title, "sample", tip, lambda _=False, key=key: self.sample_wanted.emit(key)))
        layout.addStretch(1)
        return layout

    def _link(self, text: str, picture: str, tip: str, action: Callable[..., object]) -> QPushButton:
        button = QPushButton(text)
        button.setProperty("link", True)
        button.setIcon(icon(picture, "accent"))
        button.setToolTip(tip)
        button.setCursor(Qt.CursorShape.PointingHandCursor)
        button.clicked.connect(action)
        return button

    def set_recent(self, paths: Sequence[Path]) -> None:
        """Show the files that were open lately."""
        while self._recent.count():
            item = self._recent.takeAt(0)
            if item is not None and item.widget() is not None:
                item.widget().hide()
                item.widget().deleteLater()
        self._recent.addWidget(_label("Recent", "heading"))
        self._recent.addSpacing(GAP_2)
        for path in paths[:MOST_RECENT]:
            self._recent.addWidget(
                self._link(path.name, "open", str(path), lambda _=False, path=path: self.recent_wanted.emit(path))
            )
        if not paths:
            self._recent.addWidget(_label("Files that you open appear here.", "muted"))
        self._recent.addStretch(1)

    def set_over(self, over: bool) -> None:
        """Whether files hover over the window."""
        self.drop_frame.setProperty("over", over)
        self.drop_frame.style().unpolish(self.drop_frame)
        self.drop_frame.style().polish(self.drop_frame)
