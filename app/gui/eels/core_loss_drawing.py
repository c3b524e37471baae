"""Curves of the Core loss page on the plot: model, background, edges, and the signal under the hand."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor

from app.gui.plot.layers import Curve, CurveSet
from app.gui.theme import Theme
from fitting.dataset import FloatArray, Spectrum
from fitting.eels.core_setup import CoreResult
from fitting.eels.core_windows import Law

_Z_MODEL, _Z_SIGNAL = 7.2, 7.4


class CoreDrawing:
    """Layers over the spectrum; empty while another page is in front."""

    def __init__(self, view: Any) -> None:
        self._view = view
        self._model, self._signal = CurveSet(_Z_MODEL), CurveSet(_Z_SIGNAL)
        for item in (self._model, self._signal):
            view.canvas.main.addItem(item, ignoreBounds=True)

    def clear(self) -> None:
        """Take everything off."""
        self._model.set_curves(())
        self._signal.set_curves(())

    def show_result(self, result: CoreResult | None, colours: Theme) -> None:
        """Background, model, and every edge between the background and what lies below it."""
        if result is None:
            self._model.set_curves(())
            return
        x, base = np.array(result.energy), np.array(result.background)
        curves = [Curve(x, base, QColor(colours.background), 1.6)]
        total = base
        for number, values in enumerate(result.curves):
            top = total + np.array(values)
            curves.append(Curve(x, top, colours.of(number), 0.0, base=total, fill=0.28))
            total = top
        curves.append(Curve(x, total, QColor(colours.envelope), 1.5))
        self._model.set_curves(curves)

    def show_signal(
        self, spectrum: Spectrum | None, law: Law | None, window: tuple[float, float], reach: tuple[float, float],
        colour: QColor, colours: Theme,
    ) -> None:
        """Extrapolated background and the signal above it, drawn from zero; `reach`: from the fit to the end."""
        if spectrum is None or law is None:
            self._signal.set_curves(())
            return
        part = spectrum.x >= reach[0]
        part &= spectrum.x <= reach[1]
        x, y = spectrum.x[part], spectrum.y[part]
        if x.size < 2:
            self._signal.set_curves(())
            return
        back = law(x)
        curves = [Curve(x, back, QColor(colours.warning), 1.4, style=Qt.PenStyle.DashLine),
                  Curve(x, y - back, colour, 1.2)]
        inside = (x >= window[0]) & (x <= window[1])
        if np.count_nonzero(inside) > 1:
            zero: FloatArray = np.zeros(int(np.count_nonzero(inside)))
            curves.append(Curve(x[inside], (y - back)[inside], colour, 0.0, base=zero, fill=0.25))
        self._signal.set_curves(curves)
