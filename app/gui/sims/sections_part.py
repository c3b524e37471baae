"""Depth sections of a cube on the Volume page: along a row and along a column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFileDialog, QSizePolicy, QSpinBox, QVBoxLayout, QWidget

from app.files.csv_table import write_table
from app.gui import theme
from app.gui.document import Document
from app.gui.image.colouring import bar, coloured, label, limits
from app.gui.panels.base import button, heading, muted, row
from app.gui.plot.colours import small
from app.gui.sims.volume_box import limits_on
from app.gui.theme import GAP_2, SPIN_MARGINS
from fitting.dataset import AXIS_LABELS, Axis, FloatArray

HIGH, LEFT, BELOW = 150, 52, 36


class SectionPicture(QWidget):
    """A section with depth downwards, its scales and its colours."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(HIGH + BELOW + 4)
        self.setAccessibleName(name)
        self.values: FloatArray | None = None
        self._image: QImage | None = None
        self._axes: tuple[Axis, Axis] | None = None
        self._title, self._unit, self._levels = name, "", (0.0, 1.0)

    def sizeHint(self) -> QSize:
        return QSize(420, HIGH + BELOW + 4)

    def show_section(self, values: FloatArray | None, axes: tuple[Axis, Axis] | None = None, title: str = "",
                     unit: str = "") -> None:
        """Show numbers of shape (scans, n) with their axes; None for nothing."""
        self.values, self._axes, self._title, self._unit = values, axes, title, unit
        self._image = None
        if values is not None:
            self._levels = limits(values)
            self._image = coloured(values, *self._levels, "viridis")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw."""
        painter, colours = QPainter(self), theme.current()
        painter.setFont(small(self.font()))
        if self._image is None or self._axes is None:
            painter.end()
            return
        flags = Qt.AlignmentFlag
        frame = QRectF(LEFT, 2.5, self.width() - LEFT - 4, HIGH)
        painter.drawImage(frame, self._image)
        painter.setPen(QPen(QColor(colours.border_strong), 1))
        painter.drawRect(frame)
        painter.setPen(QColor(colours.muted))
        depth, across = self._axes
        line = painter.fontMetrics().height()
        top, end = limits_on(depth, 0, len(depth) - 1)
        painter.drawText(QRectF(0, frame.top(), LEFT - 5, line), flags.AlignRight, f"{top:.3g}")
        painter.drawText(QRectF(0, frame.bottom() - line, LEFT - 5, line), flags.AlignRight, f"{end:.3g}")
        painter.drawText(QRectF(0, frame.center().y() - line / 2, LEFT - 5, line), flags.AlignRight,
                         depth.unit or AXIS_LABELS[depth.quantity].lower())
        low, high = limits_on(across, 0, len(across) - 1)
        below = QRectF(frame.left(), frame.bottom() + 3, frame.width(), line)
        painter.drawText(below, flags.AlignLeft, f"{low:.4g}")
        painter.drawText(below, flags.AlignRight, f"{high:.4g} {across.unit}".strip())
        painter.setPen(QColor(colours.text))
        painter.drawText(below, flags.AlignHCenter, self._title)
        self._paint_bar(painter, QRectF(frame.center().x() - 70, below.bottom() + 2, 140, 8))
        painter.end()

    def _paint_bar(self, painter: QPainter, strip: QRectF) -> None:
        colours, line = theme.current(), painter.fontMetrics().height()
        painter.drawImage(strip, bar("viridis"))
        painter.setPen(QPen(QColor(colours.border_strong), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(strip)
        painter.setPen(QColor(colours.muted))
        low, high = self._levels
        around = strip.adjusted(-90, strip.height() / 2 - line / 2, 90, line / 2 - strip.height() / 2)
        left, right = QRectF(around), QRectF(around)
        left.setRight(strip.left() - 5)
        right.setLeft(strip.right() + 5)
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(left, Qt.AlignmentFlag.AlignRight | middle, label(low, low, high))
        painter.drawText(right, Qt.AlignmentFlag.AlignLeft | middle, f"{label(high, low, high)} {self._unit}".strip())


class SectionsPart(QWidget):
    """Two sections through the cursor, each added up over some rows or columns.

    Signals
    -------
    said(str)
    """

    said = Signal(str)

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.document = document
        self._window: Any = None
        self.dialog: QFileDialog | None = None
        self._shown: tuple[Any, ...] = ()
        self.width_ = QSpinBox()
        self.width_.setAccessibleName("Width of a section")
        self.width_.setToolTip("Rows (or columns) that are added up, the cursor's in the middle")
        self.width_.setRange(1, 999)
        self.width_.setSuffix(" px wide")
        self.width_.lineEdit().setTextMargins(*SPIN_MARGINS)
        self.width_.setMinimumWidth(110)
        self.width_.valueChanged.connect(lambda _: self._draw())
        self.save = button("Save table…", "Both sections as CSV", self._ask)
        self.words = muted("")
        self.along_row, self.along_column = SectionPicture("Along a row"), SectionPicture("Along a column")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, GAP_2, 0, 0)
        layout.setSpacing(GAP_2)
        layout.addWidget(heading("Depth sections"))
        layout.addLayout(row(self.width_, self.save))
        layout.addWidget(self.words)
        layout.addWidget(self.along_row)
        layout.addWidget(self.along_column)

    def use_window(self, window: Any) -> None:
        """For the dialog of the table."""
        self._window = window

    def show_volume(
        self, axes: tuple[Axis, ...], volume: FloatArray | None, name: str, unit: str
    ) -> None:
        """Sections of these voxels (scans, rows, columns) with their axes; None while they are read."""
        self._shown = (axes, volume, name, unit)
        self._draw()

    def place(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """Row and column of the sections: the cursor's, else those of the drawn volume, else the middle."""
        index = self.document.place.index
        cuts = self.document.entry.volume.cuts if self.document.entry is not None else ()
        at = index if len(index) == 2 else cuts[1:] if len(cuts) == 3 else (shape[1] // 2, shape[2] // 2)
        return min(at[0], shape[1] - 1), min(at[1], shape[2] - 1)

    def sections(self) -> tuple[FloatArray, FloatArray, int, int] | None:
        """Along the row (scans, columns) and the column (scans, rows), and which these are."""
        volume = self._shown[1] if self._shown else None
        if volume is None:
            return None
        line, column = self.place(volume.shape)
        rows, columns = (_around(at, self.width_.value(), n)
                         for at, n in ((line, volume.shape[1]), (column, volume.shape[2])))
        along_row = np.asarray(volume[:, rows].sum(axis=1), dtype=float)
        along_column = np.asarray(volume[:, :, columns].sum(axis=2), dtype=float)
        return along_row, along_column, line, column

    def _draw(self) -> None:
        found = self.sections()
        if found is None:
            self.words.setText("Reading the voxels…")
            for picture in (self.along_row, self.along_column):
                picture.show_section(None)
            return
        axes, _, name, unit = self._shown
        along_row, along_column, line, column = found
        depth, rows, columns = axes
        self.words.setText(f"{name}. The cursor on the image says where.")
        self.along_row.show_section(along_row, (depth, columns), f"Row {line}", unit)
        self.along_column.show_section(along_column, (depth, rows), f"Column {column}", unit)

    # -- saving -------------------------------------------------------------------------------------------------

    def _ask(self) -> None:
        window, entry = self._window, self.document.entry
        if window is None or entry is None or self.sections() is None:
            return
        dialog = QFileDialog(window, "Save", window.state.text("folder"), "CSV (*.csv)")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("csv")
        dialog.selectFile(f"{entry.title} sections.csv")
        dialog.fileSelected.connect(lambda name: self.write(Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        self.dialog = dialog
        dialog.open()

    def write(self, path: Path) -> None:
        """Both sections as one table: which, depth, place, value."""
        found = self.sections()
        if found is None or self._window is None:
            return
        axes, _, name, unit = self._shown
        depth, rows, columns = axes
        parts = (("row", found[2], found[0], columns), ("column", found[3], found[1], rows))
        lines = [(f"{what} {at}", float(depth.values[i]), float(across.values[j]), float(values[i, j]))
                 for what, at, values, across in parts for i in range(len(depth)) for j in range(len(across))]
        heads = ["Section", _titled(AXIS_LABELS[depth.quantity], depth.unit), _titled("Place", columns.unit),
                 _titled(name, unit)]
        self._window.tasks.run(
            lambda progress, cancel: write_table(path, heads, lines),
            lambda _: self._window.messages.show_message(f"Exported to {path}", "info"),
            title=f"Exporting to {path.name}")


def _titled(name: str, unit: str) -> str:
    return f"{name} [{unit}]" if unit else name


def _around(at: int, width: int, count: int) -> slice:
    """So many pixels with one in the middle, as far as there are any."""
    first = max(at - (width - 1) // 2, 0)
    return slice(first, min(first + width, count))
