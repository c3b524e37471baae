"""Background and signal window of the chosen edge on the plot: dragged by hand, with the signal that they give."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

from app.gui import theme
from app.gui.eels.core_loss_drawing import CoreDrawing
from app.gui.plot.bands import Band
from fitting.dataset import Spectrum
from fitting.eels.core_background import EdgeSignal
from fitting.eels.core_setup import CoreEdge
from fitting.eels.core_windows import Law, background_window, signal_of
from libraries.errors import SodaliteError

if TYPE_CHECKING:
    from app.gui.eels.core_loss_panel import CoreLossPanel

OWNER = "core loss"
BEFORE, SIGNAL = "core loss/before", "core loss/signal"


class SignalWindows(QObject):
    """Two bands and the extrapolated background between them.

    Parameters
    ----------
    panel : CoreLossPanel
        Whose edge, settings and line of words are used.
    view : SpectrumView
    drawing : CoreDrawing
    """

    def __init__(self, panel: CoreLossPanel, view: Any, drawing: CoreDrawing) -> None:
        super().__init__(panel)
        self._panel, self._view, self._drawing = panel, view, drawing
        view.bands.moved.connect(self._moved)
        view.bands.released.connect(self._released)

    def hide(self) -> None:
        """Take everything off the plot."""
        self._view.bands.take(OWNER)
        self._draw(None, None, None)
        self._panel.signal.setText("")

    def show(self, before: tuple[float, float] | None = None, width: float | None = None) -> None:
        """Bands, background and signal; `before` and `width` while the hand moves them."""
        panel = self._panel
        spectrum, name = panel.spectrum(), panel.edges.current()
        if not (panel.show_bands.isChecked() and panel.isVisible()) or spectrum is None or name is None:
            self.hide()
            return
        one = panel.setup.edge(name)
        try:
            own = (one.before[0], one.before[1]) if one.before else None
            window = before or own or background_window(spectrum, panel.setup, one)
            found, h, law = self._signal(spectrum, replace(one, before=window, signal=width or one.signal), window)
        except SodaliteError as error:
            panel.signal.setText(str(error))
            self._draw(None, None, None)
            self._put(name, before or own or (max(one.at - 30.0, 1.0), one.at - 5.0), (one.at, one.at + one.signal))
            return
        self._put(name, window, found.window)
        panel.signal.setText(
            f"{name}: {found.counts:.4g} ± {found.error:.2g} counts in {found.window[0]:.0f}–{found.window[1]:.0f} eV, "
            f"signal to noise {found.snr:.0f}, h {h:.1f}")
        self._draw(spectrum, law, (window[0], *found.window))

    def _signal(
        self, spectrum: Spectrum, one: CoreEdge, window: tuple[float, float]
    ) -> tuple[EdgeSignal, float, Law]:
        setup = self._panel.setup.with_edge(one)
        if setup.method == "before and after":  # needs cross-sections, which only a fit has
            setup = replace(setup, method="maximum likelihood")
        return signal_of(spectrum, setup, one, window, gain=spectrum.noise.gain or 1.0)

    def _draw(self, spectrum: Spectrum | None, law: Law | None, ends: tuple[float, float, float] | None) -> None:
        colours = theme.current()
        first, low, high = ends or (0.0, 0.0, 0.0)
        self._drawing.show_signal(spectrum, law, (low, high), (first, high + 20.0), colours.of(1), colours)
        self._view.canvas.viewport().update()

    def _put(self, name: str, before: tuple[float, float], signal: tuple[float, float]) -> None:
        if not self._view.bands.dragging:
            self._view.bands.put(OWNER, (
                Band(BEFORE, f"{name} background", *before, colour=0, words="Here the background is fitted"),
                Band(SIGNAL, f"{name} signal", *signal, colour=1, words="The signal is summed here; it begins at the "
                     "onset, and its width is kept"),
            ))

    def _moved(self, band: str, low: float, high: float) -> None:
        if band == BEFORE:
            self.show(before=(low, high))
        elif band == SIGNAL:
            self.show(width=max(high - low, 2.0))

    def _released(self, band: str, low: float, high: float) -> None:
        name = self._panel.edges.current()
        if band not in (BEFORE, SIGNAL) or name is None:
            return
        one = self._panel.setup.edge(name)
        one = replace(one, before=(low, high)) if band == BEFORE else replace(one, signal=max(high - low, 2.0))
        self._panel.change(f"Move window of {name}", self._panel.setup.with_edge(one))
        self.show()
