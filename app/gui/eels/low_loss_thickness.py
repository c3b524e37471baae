"""The Thickness part of the Low loss page."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QComboBox, QFormLayout, QLabel, QLineEdit, QWidget

from app.gui.eels.low_loss_part import LowLossPart, choose
from app.gui.panels.base import button, muted, row
from app.gui.panels.tables import Cell, Column, Row, RowsModel, RowsView
from app.gui.tasks import Cancel, Progress
from app.numerals import UNDETERMINED, with_error
from app.project import low_loss
from app.project.project import Entry, Project
from fitting.eels.conditions import beam_of
from fitting.eels.log_ratio import WAYS
from libraries.attenuation import materials
from libraries.errors import SodaliteError

if TYPE_CHECKING:
    from app.gui.eels.low_loss_panel import LowLossPanel

SIDE_BY_SIDE = "The formulas differ by up to half for light metals such as sodium: they stand beside each other and " \
    "are not averaged."
_WORDS = {"minimum": "First minimum", "minimum of J/E": "First minimum of J/E", "inflexion": "Inflexion",
          "mirrored tail": "Mirrored tail", "fitted": "Fitted peak", "vacuum reference": "Vacuum reference",
          "by hand": "By hand"}


class ThicknessPart(LowLossPart):
    """t/lambda by the chosen way beside the others, and absolute thickness by each formula."""

    def __init__(self, page: LowLossPanel, parent: QWidget | None = None) -> None:
        super().__init__(page, parent)
        self.way = self.choice("Zero-loss area", [(_WORDS[key], key) for key, _ in WAYS],
                               lambda key: page.attempt(lambda: page.change(f"Zero loss by {key}", way=key)))
        for place, (_, words) in enumerate(WAYS):
            self.way.setItemData(place, words, 3)
        self.limit = self.number("End of the zero-loss peak in eV", "The end of the zero-loss peak", "limit")
        self.limit_words = QLabel("ends at / eV")
        self.reference = QComboBox()
        self.reference.setAccessibleName("Spectrum of the vacuum")
        self.reference.activated.connect(self._set_reference)
        self.material = self.choice("Material", self._materials(), self._set_material)
        self.formula = QLineEdit()
        self.formula.setAccessibleName("Formula of the material")
        self.formula.setPlaceholderText("Na2CO3")
        self.formula.setMaximumWidth(130)
        self.formula.editingFinished.connect(self._set_formula)
        self.density = self.number("Density in g/cm³", "The density", "density", width=70)
        form = QFormLayout()
        form.addRow("Zero loss", row(self.way, self.limit_words, self.limit, self.reference))
        form.addRow("Material", row(self.material, stretch=False))
        form.addRow("Formula", row(self.formula, QLabel("Density / g cm⁻³"), self.density))
        self.body.addLayout(form)
        self.ways = RowsModel((Column("Zero loss taken by"), Column("t/λ", "", True),
                               Column("ends at / eV", "Energy above the peak", True)))
        self.ways_view = RowsView(self.ways, "t/λ by every way")
        self.paths = RowsModel((Column("Formula"), Column("λ / nm", "Inelastic mean free path", True),
                                Column("t / nm", "t/λ times λ", True), Column("Stated accuracy of λ")))
        self.paths_view = RowsView(self.paths, "Thickness by every formula")
        for model in (self.ways, self.paths):
            page.table(model)
        self.beam = muted("")
        self.map = button("Map of every pixel", "t/λ of each pixel, and the thickness where material and beam are "
                          "known", self.start_map, sign="")
        for widget in (self.value, self.words, self.ways_view, self.paths_view, self.beam, muted(SIDE_BY_SIDE),
                       self.warnings):
            self.body.addWidget(widget)
        self.body.addLayout(row(self.map))

    def _materials(self) -> list[tuple[str, str]]:
        return [("choose, or type below", ""), *((item.name, item.name) for item in materials())]

    # -- showing ------------------------------------------------------------------------------------------------

    def show_entry(self, entry: Entry | None) -> None:
        """Settings; the results come by `show_result`."""
        settings = self.settings
        choose(self.way, settings.way)
        by_hand, vacuum = settings.way == "by hand", settings.way == "vacuum reference"
        self.limit.setVisible(by_hand)
        self.limit_words.setVisible(by_hand)
        self.show_number(self.limit, settings.limit)
        self._show_references(entry, vacuum)
        if not self.formula.hasFocus() or not self.formula.isModified():
            self.formula.setText(settings.formula)
        self.show_number(self.density, settings.density)
        known = next((m.name for m in materials()
                      if m.formula == settings.formula and m.density == settings.density), "")
        choose(self.material, known)
        self.map.setVisible(entry is not None and bool(entry.spectrum.navigation))
        self.map.setEnabled(self.task is None)

    def _show_references(self, entry: Entry | None, shown: bool) -> None:
        self.reference.setVisible(shown)
        if not shown or entry is None:
            return
        others = [e for e in self.page.document.project.entries
                  if e.id != entry.id and e.spectrum.axis.quantity == "energy_loss"]
        self.reference.clear()
        self.reference.addItem("choose spectrum", "")
        for other in others:
            self.reference.addItem(other.title, other.id)
        choose(self.reference, self.settings.reference)

    def show_result(self, found: low_loss.Thickness | str, entry: Entry | None) -> None:
        """t/lambda and thicknesses, or the sentence that says why there are none."""
        seen = not isinstance(found, str)
        for widget in (self.ways_view, self.paths_view, self.beam):
            widget.setVisible(seen)
        if isinstance(found, str):
            self.headline("")
            self.words.setText(found)
            self.warn(())
            return
        ratio = found.ratio
        best = ratio.chosen
        self.headline(f"t/λ = {with_error(best.value, _known(ratio.systematic, best.error))}")
        low, high = ratio.spread
        counting = with_error(best.value, best.error) if math.isfinite(best.error) else UNDETERMINED
        several = (f"The ways below give {low:.4f} to {high:.4f}. The error is half of that range together with "
                   f"counting ({counting}).")
        self.words.setText(several if ratio.others else f"Counting alone: {counting}.")
        self.ways.set_rows([
            Row(one.way, (Cell(_WORDS[one.way] + (" (chosen)" if one is best else "")),
                          Cell(with_error(one.value, one.error)), Cell(f"{one.limit:.2f}")))
            for one in (best, *ratio.others)
        ] + [Row(way, (Cell(_WORDS[way], muted=True, tooltip=why), Cell("–", muted=True, tooltip=why),
                       Cell("", muted=True))) for way, why in ratio.failures])
        self.ways_view.fit_height(1, 8)
        self.ways_view.fit_columns(range(3))
        self._show_paths(found)
        self._show_beam(entry)
        self.warn([*ratio.warnings, *(f"{one.name}: {words.replace('beta*', 'β*')}" for one in found.paths if one.path
                                      for words in one.path.warnings)])

    def _show_paths(self, found: low_loss.Thickness) -> None:
        rows = []
        for one in found.paths:
            if one.path is None:
                rows.append(Row(one.name, (Cell(one.name), Cell("–"), Cell("–"),
                                           Cell(one.reason, tooltip=one.reason, muted=True))))
                continue
            stated = one.path.relative_error
            rows.append(Row(one.name, (
                Cell(one.name, tooltip=one.path.source), Cell(f"{one.path.value:.1f}"),
                Cell(with_error(one.thickness, one.error)),
                Cell("none stated" if stated is None else f"± {100 * stated:.0f} %", tooltip=one.path.source),
            )))
        self.paths.set_rows(rows)
        self.paths_view.fit_height(4, 4)
        self.paths_view.fit_columns(range(3))
        self.paths_view.horizontalHeader().setStretchLastSection(True)

    def _show_beam(self, entry: Entry | None) -> None:
        if entry is None:
            return
        try:
            beam = beam_of(entry.processed())
        except SodaliteError as error:
            self.beam.setText(str(error))
            return
        parts = [("E₀", beam.energy, "keV"), ("α", beam.convergence, "mrad"), ("β", beam.collection, "mrad")]
        told = ", ".join(f"{name} {value:g} {unit}" if value is not None else f"{name} {UNDETERMINED}"
                         for name, value, unit in parts)
        lost = any(value is None for _, value, _ in parts)
        self.beam.setText(f"Beam: {told}." + (" Enter what is missing on the Zero loss page." if lost else ""))

    # -- editing ------------------------------------------------------------------------------------------------

    def _set_reference(self, _: int) -> None:
        key = str(self.reference.currentData() or "")
        self.page.attempt(lambda: self.page.change(f"Vacuum reference {self.reference.currentText()}", reference=key))

    def _set_material(self, name: str) -> None:
        item = next((m for m in materials() if m.name == name), None)
        if item is not None:
            self.page.attempt(lambda: self.page.change(f"Material {name}", formula=item.formula, density=item.density))

    def _set_formula(self) -> None:
        text = self.formula.text().strip()
        if text != self.settings.formula:
            self.page.attempt(lambda: self.page.change(f"Material {text or 'not given'}", formula=text))

    # -- doing --------------------------------------------------------------------------------------------------

    def start_map(self) -> None:
        """t/lambda of every pixel, off the window's thread."""

        def work(project: Project, entry: str, progress: Progress, cancel: Cancel) -> Project:
            return low_loss.thickness_maps(project, entry, progress, cancel)

        self.page.map_by(self, "Thickness of every pixel", work)


def _known(systematic: float, counting: float) -> float:
    parts = [one for one in (systematic, counting) if math.isfinite(one)]
    return math.hypot(*parts) if parts else math.nan
