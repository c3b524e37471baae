"""The composition of factors, calibrated by XPS at common depths."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QComboBox, QFileDialog, QFormLayout, QLabel

from app.gui import theme
from app.gui.panels.base import button, heading, muted, row
from app.gui.panels.numbers import parse_number, plain
from app.gui.panels.part import Part, field
from app.gui.sims.by_xps_answers import ByXpsAnswers
from app.gui.sims.by_xps_result import ByXpsResult
from app.gui.sims.by_xps_table import ByXpsTable
from app.project.project import Entry, Project
from app.project.sims_by_xps import taken_from_project, usable, with_by_xps, xps_offers
from fitting.sims.by_xps_setup import ByXps
from fitting.sims.kinds import kind_of
from libraries.errors import BadModel

if TYPE_CHECKING:
    from app.gui.sims.amounts_panel import AmountsPanel

_HELP = ("XPS compositions at known depths make atomic compositions of the shares of the factors: at least as many "
         "depths as factors, at which these differ.")


class ByXpsPart(Part["AmountsPanel"]):
    """The composition of factors, calibrated by XPS at common depths."""

    def __init__(self, page: AmountsPanel) -> None:
        super().__init__(page)
        self._window: Any = None
        self.dialog: QFileDialog | None = None
        self.answers = ByXpsAnswers(page.tasks, self)
        self.answers.changed.connect(self._show_answer)
        self.analysis = QComboBox()
        self.analysis.setAccessibleName("Factor analysis with closure")
        self.analysis.activated.connect(lambda i: self._set("Choose factors", factors=str(self.analysis.itemData(i)),
                                                            densities=()))
        self.attenuation = field("Attenuation length, nm", empty="none", tip="Effective attenuation length of the "
                                 "photoelectrons in nm (about 2 to 3 nm for Al Kα); empty: each XPS composition is "
                                 "taken as that of its depth", width=80)
        self.attenuation.editingFinished.connect(self._typed)
        self.angle = field("Emission angle, degrees", empty="0", tip="From the surface normal", width=60)
        self.angle.editingFinished.connect(self._typed)
        self.table = ByXpsTable()
        self.table.edited.connect(lambda setup: self._apply("XPS compositions", setup))
        self.table.refused.connect(page.say)
        self.table.wanted.connect(self._take)
        page.table(self.table.rows)
        models: list[Any] = []
        self.result = ByXpsResult(models)
        for model in models:
            page.table(model)
        self.result.density_edited.connect(self._density)
        self.state = muted("")
        self.state.setAccessibleName("State of the calibration by XPS")
        self.export = button("Export…", "Compositions with errors, the profile and what was given, as CSV tables",
                             self.ask_folder)
        self._build()
        theme.changes().changed.connect(self.result.recolour)

    def _build(self) -> None:
        self.body.addWidget(heading("Composition of factors by XPS"))
        self.body.addWidget(muted(_HELP))
        form = QFormLayout()
        form.addRow("Factors", self.analysis)
        form.addRow("XPS sees", row(self.attenuation, QLabel("nm deep (attenuation length), at"), self.angle,
                                    QLabel("°")))
        form.addRow("Elements / at.%", self.table.elements)
        self.body.addLayout(form)
        self.body.addWidget(self.table)
        self.body.addWidget(self.state)
        self.body.addWidget(self.result)
        self.body.addLayout(row(self.export))

    def use_window(self, window: Any) -> None:
        """Folders of dialogs, and exports."""
        self._window = window

    # -- showing ------------------------------------------------------------------------------------------------

    def _entry(self) -> Entry | None:
        entry = self.page.document.entry
        return entry if entry is not None and kind_of(entry.spectrum) in ("profile", "cube") else None

    def refresh(self) -> None:
        """Show the shown entry."""
        entry = self._entry()
        self.setVisible(entry is not None)
        if entry is None:
            return
        setup = entry.by_xps
        one = usable(entry)
        wanted = [("", "Choose a factor analysis" if one else "No factor analysis with closure"),
                  *((about.id, about.title) for about in one)]
        if setup.factors and all(about.id != setup.factors for about in one):
            gone = next((about.title for about in entry.factors if about.id == setup.factors), "gone")
            wanted.append((setup.factors, f"{gone} (not closed)" if gone != "gone" else "Gone"))
        if wanted != [(self.analysis.itemData(i), self.analysis.itemText(i)) for i in range(self.analysis.count())]:
            self.analysis.clear()
            for id, words in wanted:
                self.analysis.addItem(words, id)
        self.analysis.setCurrentIndex(max(self.analysis.findData(setup.factors), 0))
        for line, value in ((self.attenuation, setup.attenuation), (self.angle, setup.angle)):
            if not line.hasFocus():
                line.setText(plain(value, 4) if value else "")
        self.answers.want(entry)
        self._show_answer()

    def _show_answer(self) -> None:
        entry = self._entry()
        if entry is None:
            return
        found = None if self.answers.busy and not self._current(entry) else self.answers.found
        self.table.show_setup(entry.by_xps, found, xps_offers(self.page.document.project))
        names = next((one.names for one in usable(entry) if one.id == entry.by_xps.factors), ())
        self.result.setVisible(bool(names))
        self.result.show_result(names, entry.by_xps, found)
        self.export.setVisible(found is not None)
        told = self.answers.failed
        if not entry.by_xps.factors and not usable(entry):
            told = "Find factors with Closure first (page Factors)."
        elif found is None and not told and self.answers.busy and entry.by_xps.depths:
            told = "Compositions are being worked out …"
        self.state.setText(told)
        self.state.setVisible(bool(told))

    def _current(self, entry: Entry) -> bool:
        """Whether an older answer still fits the table that is shown."""
        found, setup = self.answers.found, entry.by_xps
        return found is not None and found.quantities == setup.quantities and found.places.size == len(setup.depths)

    # -- doing --------------------------------------------------------------------------------------------------

    def _set(self, words: str, **changes: Any) -> None:
        entry = self._entry()
        if entry is not None:
            self._apply(words, replace(entry.by_xps, **changes))

    def _apply(self, words: str, setup: ByXps) -> None:
        entry, document = self._entry(), self.page.document
        if entry is not None and setup != entry.by_xps:
            self.page.attempt(lambda: document.apply(words, with_by_xps(document.project, entry.id, setup)))

    def _typed(self) -> None:
        def change() -> None:
            length, angle = (_number(line.text(), line.accessibleName()) for line in (self.attenuation, self.angle))
            if angle >= 90:
                raise BadModel("The emission angle must lie between 0 and 90° from the surface normal")
            self._set("Depth that XPS sees", attenuation=length, angle=angle)

        self._try(change)

    def _density(self, factor: int, text: str) -> None:
        entry = self._entry()
        names = next((one.names for one in usable(entry) if one.id == entry.by_xps.factors), ()) if entry else ()

        def change() -> None:
            if entry is None:
                return
            old = entry.by_xps.densities or (0.0,) * len(names)
            value = _number(text, f"The density of {names[factor]}")
            new = tuple(value if i == factor else one for i, one in enumerate(old))
            self._set("Densities of atoms", densities=new if any(new) else ())

        self._try(change)

    def _take(self, keys: tuple[str, ...]) -> None:
        entry, project = self._entry(), self.page.document.project
        if entry is not None:
            self.page.attempt(lambda: self._apply("XPS compositions of the project",
                                                  taken_from_project(project, entry.by_xps, keys)))

    def _try(self, action: Callable[[], None]) -> None:
        try:
            action()
        except BadModel as error:
            self.page.say(str(error))

    def ask_folder(self) -> None:
        """Where the tables go."""
        if self._window is None or self._entry() is None:
            return
        self.answers.want(self._entry())
        if self.answers.found is None:
            self._window.messages.show_message("There are no compositions of factors yet: give XPS compositions on the "
                                               "Amounts page", "info")
            return
        dialog = QFileDialog(self._window, "Export compositions of factors: choose a folder",
                             self._window.state.text("folder"))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(lambda name: self.write(Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        self.dialog = dialog
        dialog.open()

    def write(self, folder: Path) -> None:
        """Write what is shown."""
        from app.files.by_xps_tables import write_calibrated

        entry, found = self._entry(), self.answers.found
        if entry is None or found is None:
            return
        setup, before = entry.by_xps, f"{entry.title} ".replace("/", "-")

        def tables(_: Project, target: Path) -> Path:
            write_calibrated(target, setup, found, before)
            return target

        self._window.exports.write(tables, folder)


def _number(text: str, what: str) -> float:
    """A number, zero or above; nothing is zero."""
    value = parse_number(text, what) if text.strip() else 0.0
    if value < 0 or not math.isfinite(value):
        raise BadModel(f"{what} must be zero or above")
    return value
