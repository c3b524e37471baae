"""Which other depth profiles are resolved together with the shown one."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from app.gui.panels.base import muted
from app.gui.theme import GAP_2
from app.project.project import Entry, Project

_ID = Qt.ItemDataRole.UserRole


class TogetherChoice(QWidget):
    """A list of the project's other profiles with check boxes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._known: list[tuple[str, str]] = []
        self.list = QListWidget()
        self.list.setAccessibleName("Profiles that are resolved together with this one")
        self.list.setFixedHeight(110)
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(GAP_2)
        self.about = muted("")
        body.addWidget(self.about)
        body.addWidget(self.list)

    def show_project(self, project: Project, entry: Entry) -> None:
        """List the other profiles; what was chosen stays."""
        others = [(one.id, one.title) for one in project.entries
                  if one.id != entry.id and one.spectrum.axis.labels and len(one.spectrum.navigation) == 1]  # fmt: skip
        if len(entry.spectrum.navigation) != 1:
            others = []
        if others != self._known:
            chosen = self.ids
            self._known = others
            self.list.clear()
            for id, title in others:
                item = QListWidgetItem(title)
                item.setData(_ID, id)
                item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
                item.setCheckState(Qt.CheckState.Checked if id in chosen else Qt.CheckState.Unchecked)
                self.list.addItem(item)
        self.list.setVisible(bool(others))
        self.about.setText(
            "Their common ions get common spectra, every profile its own amounts: what is mixed in one may stand alone "
            "in another." if others else "There is no other depth profile in the project."
        )

    @property
    def ids(self) -> tuple[str, ...]:
        """Of the chosen entries."""
        items = (self.list.item(number) for number in range(self.list.count()))
        return tuple(str(item.data(_ID)) for item in items if item.checkState() == Qt.CheckState.Checked)
