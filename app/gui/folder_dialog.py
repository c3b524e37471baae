"""Asks which folder is worked through with which template, and where the result goes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.gui.panels.base import muted
from app.gui.theme import GAP_2, GAP_3
from app.project import folder_files
from app.project.store import SUFFIX
from libraries.errors import SodaliteError


class FolderDialog(QDialog):
    """Folder, template, result; it does not block the window.

    Signals
    -------
    started(str, str, str, bool)
        Folder, template, project to write, whether to go on with it.
    """

    started = Signal(str, str, str, bool)

    def __init__(self, start: Path, templates: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Process a folder with a template")
        self.setMinimumWidth(560)
        self.source = self._field("Folder with the files")
        self.target = self._field("Project to write")
        self.template = QComboBox()
        self.template.addItems(list(templates))
        self.template.setAccessibleName("Template")
        self.resume = QCheckBox("Go on with the result of an earlier run")
        self.words = muted("")
        self.words.setAccessibleName("What will be done")
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.go = self._buttons.addButton("Start", QDialogButtonBox.ButtonRole.AcceptRole)
        self.go.setProperty("primary", True)
        form = QFormLayout()
        form.setSpacing(GAP_2)
        form.addRow(QLabel("Folder"), self._with_button(self.source, self._ask_folder))
        form.addRow(QLabel("Template"), self.template)
        form.addRow(QLabel("Result"), self._with_button(self.target, self._ask_target))
        form.addRow(QLabel(""), self.resume)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GAP_3, GAP_3, GAP_3, GAP_3)
        layout.setSpacing(GAP_3)
        layout.addLayout(form)
        layout.addWidget(self.words)
        layout.addStretch(1)
        layout.addWidget(self._buttons)
        self.dialog: QFileDialog | None = None
        self._start = start
        for signal in (self.source.textChanged, self.target.textChanged, self.resume.toggled):
            signal.connect(lambda _: self._check())
        self._buttons.accepted.connect(self._accept)
        self._buttons.rejected.connect(self.reject)
        self._check()

    def _field(self, name: str) -> QLineEdit:
        field = QLineEdit()
        field.setAccessibleName(name)
        return field

    def _with_button(self, field: QLineEdit, ask: object) -> QHBoxLayout:
        button = QPushButton("Choose…")
        button.setAccessibleName(f"Choose: {field.accessibleName()}")
        button.clicked.connect(ask)
        row = QHBoxLayout()
        row.setSpacing(GAP_2)
        row.addWidget(field, 1)
        row.addWidget(button)
        return row

    def _ask_folder(self) -> None:
        self.dialog = QFileDialog(self, "Folder with the files", self.source.text() or str(self._start))
        self.dialog.setFileMode(QFileDialog.FileMode.Directory)
        self.dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        self.dialog.fileSelected.connect(self.take_folder)
        self.dialog.open()

    def take_folder(self, name: str) -> None:
        """Take a folder; the result is proposed beside it."""
        self.source.setText(name)
        if not self.target.text():
            path = Path(name)
            self.target.setText(str(path.parent / f"{path.name}{SUFFIX}"))

    def _ask_target(self) -> None:
        self.dialog = QFileDialog(self, "Project to write", self.target.text() or str(self._start),
                                  f"Sodalite project (*{SUFFIX})")
        self.dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        self.dialog.setDefaultSuffix(SUFFIX.lstrip("."))
        self.dialog.fileSelected.connect(self.target.setText)
        self.dialog.open()

    def _check(self) -> None:
        """Say what will happen, or what is missing."""
        text, ready = self._state()
        self.words.setText(text)
        self.go.setEnabled(ready)

    def _state(self) -> tuple[str, bool]:
        if not self.template.count():
            return "There is no template yet: make one by Fit > Save as template.", False
        source, target = self.source.text().strip(), self.target.text().strip()
        if not source or not target:
            return "Every file is read, fitted with the template and quantified; the result is one project with a " \
                   "table of all files.", False
        try:
            files = folder_files.files_in([Path(source)])
        except (SodaliteError, OSError) as error:
            return str(error), False
        out = Path(target)
        if out.suffix.lower() != SUFFIX:
            return f"The name of the result must end in {SUFFIX}.", False
        if out.exists() and not self.resume.isChecked():
            return f"{out.name} exists already: go on with it, or choose another name.", False
        return f"{len(files)} files. The table is {out.stem}.csv, failures are listed in {out.stem}-failures.csv.", True

    def _accept(self) -> None:
        self.started.emit(self.source.text().strip(), self.template.currentText(), self.target.text().strip(),
                          self.resume.isChecked())
        self.accept()
