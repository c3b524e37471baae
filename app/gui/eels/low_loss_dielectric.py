"""The Dielectric function part of the Low loss page."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QFileDialog, QFormLayout, QLabel, QWidget

from app.files.atomic import atomic_path
from app.gui.eels.low_loss_part import LowLossPart, choose
from app.gui.panels.base import button, row
from app.gui.plot.small_plot import SmallPlot
from app.gui.tasks import Cancel, Progress
from app.numerals import with_error
from app.project import low_loss
from app.project.project import Entry
from fitting.eels.dielectric import DielectricFunction

if TYPE_CHECKING:
    from app.gui.eels.low_loss_panel import LowLossPanel

NORMALISED = [("choose", ""), ("metal", "metal"), ("refractive index", "index"), ("thickness / nm", "thickness")]


class DielectricPart(LowLossPart):
    """Kramers-Kronig analysis: eps1, eps2, loss function, thickness, sum rules."""

    def __init__(self, page: LowLossPanel, parent: QWidget | None = None) -> None:
        super().__init__(page, parent)
        self.by = self.choice("Normalised by", NORMALISED,
                              lambda key: page.attempt(lambda: page.change(f"Normalised by {key or 'nothing'}",
                                                                           normalised_by=key)))
        self.index = self.number("Refractive index for Kramers-Kronig", "The refractive index", "refractive_index",
                                 width=70)
        self.thickness = self.number("Thickness for Kramers-Kronig in nm", "The thickness", "thickness", width=70)
        self.surface = QCheckBox("Take surface losses out")
        self.surface.setToolTip("Surface losses of two faces are computed and subtracted, ten rounds")
        self.surface.clicked.connect(lambda on: page.attempt(lambda: page.change(
            "Surface losses taken out" if on else "Surface losses left in", surface=bool(on))))
        form = QFormLayout()
        form.addRow("Normalised by", row(self.by, self.index, self.thickness))
        form.addRow("", row(self.surface))
        self.body.addLayout(form)
        self.go = button("Compute", "Dielectric function by Kramers-Kronig, with errors from resampled counts",
                         self.compute)
        self.save = button("Export CSV…", "ε₁, ε₂ and the loss function with their errors", self.export)
        self.body.addLayout(row(self.go, self.save))
        self.plot = SmallPlot("Dielectric function", "Energy loss (eV)", "ε₁, ε₂", self)
        self.loss = SmallPlot("Loss function", "Energy loss (eV)", "Im(−1/ε)", self)
        self.loss.setFixedHeight(150)
        self.key = QLabel()
        for widget in (self.value, self.words, self.key, self.plot, self.loss, self.warnings):
            self.body.addWidget(widget)
        self.found: DielectricFunction | None = None
        self.show_result(None)

    def show_entry(self, entry: Entry | None) -> None:
        """Settings."""
        settings = self.settings
        choose(self.by, settings.normalised_by)
        self.index.setVisible(settings.normalised_by == "index")
        self.thickness.setVisible(settings.normalised_by == "thickness")
        self.show_number(self.index, settings.refractive_index)
        self.show_number(self.thickness, settings.thickness)
        self.surface.setChecked(settings.surface)
        self.go.setEnabled(entry is not None and self.task is None)

    def compute(self) -> None:
        """Off the window's thread."""
        document = self.page.document
        entry, place, project = document.entry, document.place, document.project
        if entry is None or self.task is not None:
            return
        key = self.page.key()

        def work(progress: Progress, cancel: Cancel) -> DielectricFunction:
            return low_loss.dielectric_of(project, entry.id, place, progress, cancel)

        def done(found: DielectricFunction) -> None:
            if self.page.key() == key:
                self.show_result(found)
                self.page.keep("dielectric", found)

        def failed(error: BaseException) -> None:
            self.show_result(None)
            self.words.setText(str(error))

        self.page.run_for(self, work, done, failed, "Dielectric function")

    def show_result(self, found: DielectricFunction | None) -> None:
        """The answer, or nothing."""
        self.found = found
        for widget in (self.plot, self.loss, self.key, self.save):
            widget.setVisible(found is not None)
        if found is None:
            self.headline("")
            self.words.setText("")
            self.warn(())
            return
        given = self.settings.normalised_by == "thickness"
        error = None if given else found.thickness_err
        self.headline(f"t = {with_error(found.thickness, error)} nm" + (" (given)" if given else ""))
        parts = ["The error is that of counting alone." if error is not None and math.isfinite(error) else ""]
        if found.settled:
            parts.append(f"The last round moved t by {abs(found.settled):.2g} nm.")
        if found.electrons is not None:
            parts.append(f"Electrons per atom up to {found.energy[-1]:.0f} eV: {found.electrons[0]:.2f} by the loss "
                         f"function, {found.electrons[1]:.2f} by ε₂.")
        else:
            parts.append("With formula and density (Thickness, above) the sum rules are checked as well.")
        self.words.setText(" ".join(filter(None, parts)))
        self.warn(found.warnings)
        self._draw(found)

    def _draw(self, found: DielectricFunction) -> None:
        for plot in (self.plot, self.loss):
            plot.clear()
            plot.recolour()
        first, second = self.plot.colour(0), self.plot.colour(1)
        self.key.setText(f'<span style="color:{first.name()}">━ ε₁</span> &nbsp; '
                         f'<span style="color:{second.name()}">━ ε₂</span>')
        self.plot.curve(found.energy, found.eps.real, first)
        self.plot.curve(found.energy, found.eps.imag, second)
        self.plot.level(0.0)
        # The poles at 0 eV would make everything else flat.
        inside = found.energy > 0.05 * found.energy[-1]
        both = np.concatenate((found.eps.real[inside], found.eps.imag[inside]))
        low, high = float(np.percentile(both, 0.5)), float(np.percentile(both, 99.5))
        ends = (0.0, float(found.energy[-1]))
        self.plot.frame(ends, (low - 0.1 * (high - low), high + 0.1 * (high - low)))
        self.loss.curve(found.energy, found.loss_function, self.loss.colour(2))
        self.loss.frame(ends, (0.0, 1.08 * float(np.max(found.loss_function))))

    def recolour(self) -> None:
        """Draw in the theme's colours."""
        for plot in (self.plot, self.loss):
            plot.recolour()
        if self.found is not None:
            self._draw(self.found)

    def export(self) -> None:
        """Ask for a file and write the table."""
        entry = self.page.document.entry
        if self.found is None or entry is None:
            return
        dialog = QFileDialog(self, "Export dielectric function", f"{entry.title} dielectric function.csv",
                             "Tables (*.csv)")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("csv")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda name: self.page.attempt(lambda: self.write(Path(name))))
        dialog.open()

    def write(self, path: Path) -> None:
        """Write the table to a file."""
        if self.found is not None:
            with atomic_path(path) as fresh:
                fresh.write_text(low_loss.dielectric_table(self.found), encoding="utf-8")
