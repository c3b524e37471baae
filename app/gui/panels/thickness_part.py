"""Thickness of an overlayer as the Layers panel shows it: the number, each angle, and the equation with the ratios."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.gui.panels.base import muted
from app.gui.panels.tables import Cell, Column, Row, RowsModel, RowsView
from app.gui.plot.small_plot import SmallPlot
from app.gui.theme import GAP_2
from app.numerals import interval, with_error
from app.project.layers import Thickness
from fitting.xps.layers import signal_ratio

NM = 0.1  # one angstrom
UNCERTAIN_IMFP = "λ of TPP-2M is itself uncertain by about 10 % (unverified); every thickness scales with it."
COLUMNS = (
    Column("Angle / °", "From the surface normal"),
    Column("Ratio", "Overlayer over substrate, relative to the pure materials"),
    Column("d / nm", "From this angle alone"),
    Column("Angle from", "Where the emission angle comes from"),
)


class ThicknessPart(QWidget):
    """The result of `app.project.layers.overlayer`, or the sentence that says why there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.words = QLabel()
        self.words.setProperty("role", "heading")
        self.words.setWordWrap(True)
        self.words.setAccessibleName("Thickness of the overlayer")
        self.remarks = muted("")
        self.rows = RowsModel(COLUMNS)
        self.view = RowsView(self.rows, "Thickness at each angle")
        self.plot = SmallPlot("Ratio against thickness", "Thickness (nm)", "lg of the ratio", self)
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(GAP_2)
        for widget in (self.words, self.remarks, self.view, self.plot):
            body.addWidget(widget)

    def show_thickness(self, found: Thickness | str) -> None:
        """Show a result or a sentence."""
        seen = isinstance(found, Thickness)
        self.plot.setVisible(seen)
        self.words.setVisible(seen)
        self.view.setVisible(isinstance(found, Thickness) and len(found.pairs) > 1)
        if not isinstance(found, Thickness):
            self.remarks.setText(found)
            return
        self.words.setText(_sentence(found))
        path = found.pairs[0]
        self.remarks.setText(" ".join((
            f"λ of the two lines in the overlayer {NM * path.overlayer_imfp:.2f} and "
            f"{NM * path.substrate_imfp:.2f} nm; ratio of the pure materials {path.pure:.3g} ({found.pure_source}).",
            *found.result.warnings, UNCERTAIN_IMFP,
        )))  # fmt: skip
        self.rows.set_rows([
            Row(str(i), (
                Cell(f"{pair.emission_angle:.1f}", swatch=self.plot.colour(i).name()),
                Cell(with_error(pair.ratio / pair.pure, pair.ratio_err / pair.pure)),
                Cell(f"{NM * each:.3f}" if math.isfinite(each) else "–"), Cell(origin),
            ))
            for i, (pair, each, origin) in enumerate(zip(found.pairs, found.result.each, found.origins, strict=False))
        ])
        self.view.fit_height(1, 8)
        self.view.fit_columns(range(4))
        self._draw(found)

    def _draw(self, found: Thickness) -> None:
        """The equation as a curve for each angle, with the measured ratios on it."""
        self.plot.clear()
        self.plot.recolour()
        deepest = max(1.8 * max(pair.lengths[1] for pair in found.pairs), 1.5 * found.result.thickness, 5.0)
        depths = np.linspace(deepest / 400, deepest, 300)
        low, high = math.inf, -math.inf
        for i, pair in enumerate(found.pairs):
            curve = np.log10(signal_ratio(depths, pair))
            low, high = min(low, float(curve[3])), max(high, float(curve[-1]))
            self.plot.curve(NM * depths, curve, self.plot.colour(i), faint=0.8)
            each = found.result.each[i] if i < len(found.result.each) else math.nan
            if math.isfinite(each) and pair.ratio > 0:
                error = pair.ratio_err / pair.ratio / math.log(10)
                self.plot.points([NM * each], [math.log10(pair.ratio / pair.pure)], self.plot.colour(i), y_err=[error])
        self.plot.level(NM * found.result.thickness, vertical=True)
        self.plot.frame((0.0, NM * deepest), (low - 0.1, high + 0.1))


def _sentence(found: Thickness) -> str:
    result = found.result
    if not math.isfinite(result.error):
        return f"d below {NM * result.high:.2g} nm (95 %)"
    if not result.determined:
        return f"d above {NM * result.low:.2g} nm (95 %)"
    text = f"d = {with_error(NM * result.thickness, NM * result.error)} nm"
    return f"{text}   (95 %: {interval(NM * result.low, NM * result.high)} nm)"
