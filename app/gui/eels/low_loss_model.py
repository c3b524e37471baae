"""The Model part of the Low loss page: a choice of plasmons and edges becomes a region of the Model page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QCheckBox, QGridLayout, QWidget

from app.gui.eels.low_loss_part import LowLossPart
from app.gui.panels.base import button, muted, row
from app.gui.panels.tables import Cell, Column, Row, RowsModel, RowsView
from app.numerals import with_error
from app.project import low_loss
from app.project.project import Entry, RegionFit
from fitting.eels.low_loss import METAL, PARTS, ZERO, Part

if TYPE_CHECKING:
    from app.gui.eels.low_loss_panel import LowLossPanel

PRESETS: tuple[tuple[str, str, tuple[Part, ...]], ...] = (
    ("Sodium and carbon", "sodium", PARTS), ("Free-electron metal, as Al", "metal", METAL),
)
ADVICE = ("All are broadened by the measured zero loss, whose tail is a power law below them. The region opens on the "
          "Model page, where it is edited and fitted; “Fit every pixel” of the Fit menu makes maps of every parameter.")


class ModelPart(LowLossPart):
    """Which parts the model has, and the energies of the region that was made."""

    def __init__(self, page: LowLossPanel, parent: QWidget | None = None) -> None:
        super().__init__(page, parent)
        self.preset = self.choice("Material of the model", [(words, key) for words, key, _ in PRESETS],
                                  lambda _: self._show_boxes())
        self.preset.setMinimumContentsLength(24)
        self.boxes: dict[str, QCheckBox] = {}
        self.body.addLayout(row(self.preset))
        grid = QGridLayout()
        for _, key, parts in PRESETS:
            for place, part in enumerate(parts):
                box = QCheckBox(part.title)
                box.setToolTip(part.source)
                box.setChecked(part.default)
                box.toggled.connect(lambda on, one=part: self._toggled(one, on))
                self.boxes[part.key] = box
                box.setProperty("preset", key)
                grid.addWidget(box, place // 2, place % 2)
        self.body.addLayout(grid)
        self.go = button("Set up model", "A region with these parts, started from the data", self.set_up)
        self.fit = button("Fit", "Fit the region to the spectrum that is shown", self.start_fit, sign="fit")
        self.body.addLayout(row(self.go, self.fit))
        self.rows = RowsModel((
            Column("Part"), Column("E / eV", "", True), Column("Width / eV", "Before broadening", True),
            Column("A / I₀", "Area over that of the zero loss", True),
        ))
        self.view = RowsView(self.rows, "Fitted low-loss model")
        page.table(self.rows)
        for widget in (self.value, self.words, self.view, muted(ADVICE), self.warnings):
            self.body.addWidget(widget)
        self._show_boxes()

    def _parts(self) -> tuple[Part, ...]:
        return next(parts for _, key, parts in PRESETS if key == self.preset.currentData())

    def _show_boxes(self) -> None:
        for box in self.boxes.values():
            box.setVisible(box.property("preset") == self.preset.currentData())

    def _toggled(self, part: Part, on: bool) -> None:
        """What a part needs comes with it, and goes with it."""
        for other in (*PARTS, *METAL):
            if on and other.key in part.needs:
                self.boxes[other.key].setChecked(True)
            if not on and part.key in other.needs:
                self.boxes[other.key].setChecked(False)

    def show_entry(self, entry: Entry | None) -> None:
        """The energies of the shown low-loss region, where it is fitted."""
        fit = self._region(entry)
        self.fit.setEnabled(fit is not None)
        result = fit.result if fit is not None else None
        self.view.setVisible(result is not None)
        if result is None or fit is None:
            self.words.setText("" if fit is None else f"Region “{fit.name}” is set up and not fitted yet.")
            return
        ids = {c.id for c in result.model.components}
        i0 = result.value(f"{ZERO}.area") if ZERO in ids else 0.0
        rows = []
        for one in result.model.components:
            names = [name for name, _ in one.params]
            if one.id == ZERO:
                continue
            cells = [Cell(one.name, tooltip=f"{one.name}: {one.source}")]
            for name, scale in (("position", 1.0), ("fwhm", 1.0), ("area", i0)):
                if name not in names or not scale:
                    cells.append(Cell("–"))
                    continue
                full = f"{one.id}.{name}"
                cells.append(Cell(with_error(result.value(full) / scale, result.error(full) / scale)))
            rows.append(Row(one.id, tuple(cells)))
        self.rows.set_rows(rows)
        self.view.fit_height(2, 10)
        self.view.setColumnWidth(0, 128)
        self.view.fit_columns(range(1, 4))
        self.words.setText(result.message)

    def _region(self, entry: Entry | None) -> RegionFit | None:
        """The shown region where it is a low-loss model, else the last one of this entry."""
        if entry is None:
            return None
        shown = self.page.document.fit
        fits = [f for f in entry.fits if f.id.startswith("low_loss")]
        if shown is not None and any(f is shown for f in fits):
            return shown
        return fits[-1] if fits else None

    def set_up(self) -> None:
        """Make the region, as one step, and show it."""
        document = self.page.document
        entry = document.entry
        if entry is None:
            return
        chosen = [part.key for part in self._parts() if self.boxes[part.key].isChecked()]

        def make() -> None:
            project, where, region, words = low_loss.add_model(document.project, entry.id, chosen, document.place)
            document.apply("Set up low-loss model", project)
            document.select(where, region)
            self.words.setText(words)

        self.page.attempt(make)

    def start_fit(self) -> None:
        """Fit the region as the Fit command does."""
        entry = self.page.low_loss()
        fit = self._region(entry)
        if entry is None or fit is None:
            return
        self.page.document.select(entry.id, fit.id)
        self.page.fit_shown()
