"""The part of the Process panel that makes a new spectrum from the chosen ones."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QLabel, QLineEdit, QVBoxLayout, QWidget

from app.gui.document import Document
from app.gui.panels.base import button, heading, muted, row
from app.gui.theme import GAP_2
from app.project import process

KINDS = (
    ("average", "Mean, weighted by live time"), ("sum", "Sum"), ("difference", "Difference A − f · B"),
    ("ratio", "Ratio A / B"), ("repeats", "Series of repeats"),
)


class CombinePart(QWidget):
    """Kind, factor and order of a combination.

    Signals
    -------
    wanted(str, tuple, str, bool)
        Kind, ids in order, the typed factor, whether axes may be resampled.
    """

    wanted = Signal(str, object, str, bool)

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.document = document
        self.kind = QComboBox()
        self.kind.setAccessibleName("Kind of combination")
        for key, words in KINDS:
            self.kind.addItem(words, key)
        self.factor = QLineEdit("1")
        self.factor.setAccessibleName("Factor f")
        self.factor.setMaximumWidth(80)
        self.factor_label = QLabel("f =")
        self.swapped = QCheckBox("swap A and B")
        self.resample = QCheckBox("resample where energies differ")
        self.resample.setToolTip("Straight lines between points; neighbouring channels then correlate, which is noted")
        self.words = muted("")
        self.make = button("Make new spectrum", "From the chosen spectra as they are after their steps", self._make)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP_2)
        layout.addWidget(heading("New spectrum from chosen ones"))
        layout.addWidget(self.words)
        layout.addLayout(row(self.kind, self.factor_label, self.factor))
        layout.addLayout(row(self.resample, self.swapped))
        layout.addLayout(row(self.make))
        self.kind.currentIndexChanged.connect(lambda _: self.refresh())
        self.swapped.toggled.connect(lambda _: self.refresh())
        document.chosen_changed.connect(self.refresh)
        self.refresh()

    def ids(self) -> tuple[str, ...]:
        """The chosen spectra; of a difference or ratio the first in the list is A, unless swapped."""
        ids = self.document.chosen
        two = self.kind.currentData() in ("difference", "ratio")
        return ids[::-1] if two and self.swapped.isChecked() else ids

    def refresh(self) -> None:
        """Say what would be combined."""
        kind, ids = self.kind.currentData(), self.ids()
        two = kind in ("difference", "ratio")
        self.swapped.setVisible(two)
        self.factor.setVisible(kind == "difference")
        self.factor_label.setVisible(kind == "difference")
        project = self.document.project
        titles = process.told_apart(project, [project.entry(id) for id in ids])
        enough = len(ids) == 2 if two else len(ids) >= 2
        if two and enough:
            words = f"A: {titles[0]}   B: {titles[1]}"
        elif enough:
            words = f"{len(ids)} spectra: " + ", ".join(titles[:4]) + (" …" if len(titles) > 4 else "")
        else:
            count = "two" if two else "two or more"
            words = f"Choose {count} spectra in the project list (Ctrl+click)."
        self.words.setText(words)
        self.make.setEnabled(enough)

    def _make(self) -> None:
        self.wanted.emit(self.kind.currentData(), self.ids(), self.factor.text(), self.resample.isChecked())
