"""Keys on the plot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent

from app.gui.plot.captions import peak_words
from app.gui.plot.edits import Edit, move_peak, set_fwhm, title
from app.gui.plot.geometry import peak_of

if TYPE_CHECKING:
    from app.gui.plot.spectrum_view import SpectrumView

NUDGE, BIG_NUDGE = 0.05, 0.5  # eV
HEIGHT, BIG_HEIGHT = 0.02, 0.10  # part of the height
WIDTH, BIG_WIDTH = 0.05, 0.2  # eV
Key = Qt.Key


def pressed(view: SpectrumView, event: QKeyEvent) -> bool:
    """Does what a key says; False where it says nothing here."""
    key = event.key()
    if event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier):
        return False
    if key == Key.Key_A:
        view.autoscale()
        return True
    if key == Key.Key_Escape:
        if not view.tool and not view.scene.hint:
            return False
        view.set_tool(None)
        view.hint("")
        return True
    fit, chosen = view.document.fit, view.document.selection.component
    anchor = view.scene.anchor
    if fit is not None and anchor is not None and key in (Key.Key_Delete, Key.Key_Backspace):
        view.scene.anchor = None
        if anchor < len(fit.model.background.anchors):
            view.remove_anchor(anchor)
            return True
    if fit is None or chosen is None:
        return False
    if key in (Key.Key_Delete, Key.Key_Backspace):
        name = title(fit.model.component(chosen))
        minors = [c.id for c in fit.model.components if c.doublet == chosen]
        view.document.edit_model(f"Remove {name}", fit.model.without(chosen, *minors))
        return True
    edit = _edit(view, key, bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier), chosen)
    if edit is None:
        return False
    model, kind, result = fit.model, edit[0], edit[1]
    name = title(model.component(chosen))
    view.document.edit_model(f"{kind} {name}", result.model, merge=f"key {kind} {chosen}")
    spectrum = view.spectrum()
    words = peak_words(result.model, chosen, spectrum.axis.quantity) if spectrum is not None else ""
    view.hint(result.note or f"{name}: {words}", result.stopped)
    return True


def _edit(view: SpectrumView, key: int, big: bool, chosen: str) -> tuple[str, Edit] | None:
    fit, spectrum = view.document.fit, view.spectrum()
    if fit is None or spectrum is None:
        return None
    quantity = spectrum.axis.quantity
    peak = peak_of(fit.model.component(chosen), quantity)
    if key in (Key.Key_Left, Key.Key_Right):
        # As on the screen: where the axis runs right to left, the right arrow lowers the energy.
        sign = (1 if key == Key.Key_Right else -1) * (-1 if view.canvas.main.vb.xInverted() else 1)
        step = sign * (BIG_NUDGE if big else NUDGE)
        return "Move peak", move_peak(fit.model, chosen, position=peak.position + step, quantity=quantity)
    if key in (Key.Key_Up, Key.Key_Down):
        factor = 1 + (BIG_HEIGHT if big else HEIGHT)
        height = peak.height * (factor if key == Key.Key_Up else 1 / factor)
        return "Height of", move_peak(fit.model, chosen, height=height, quantity=quantity)
    if key in (Key.Key_Plus, Key.Key_Equal, Key.Key_Minus, Key.Key_Underscore):
        grows = key in (Key.Key_Plus, Key.Key_Equal)
        step = BIG_WIDTH if big and key != Key.Key_Plus else WIDTH
        fwhm = peak.fwhm + (step if grows else -step)
        return "Width of", set_fwhm(fit.model, chosen, max(fwhm, spectrum.axis.step or WIDTH))
    return None
