"""What a drag does to the model, from where it started to where the hand is now.

Every step is computed from the model at the start of the drag, so that going back goes back exactly.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from app.gui.plot.anchors import move_anchor
from app.gui.plot.captions import peak_words, signed
from app.gui.plot.drawn import curves_of
from app.gui.plot.edits import Edit, move_edge, move_peak, set_fwhm, title
from app.gui.plot.geometry import peak_of
from app.gui.plot.handles import Handle, left_of
from fitting.dataset import Spectrum
from fitting.model import FitModel
from libraries.errors import SodaliteError

PASSES = 6  # trials of the height; two or three are enough as long as nothing stops it


class Drag(Protocol):
    """One drag of one handle.

    Attributes
    ----------
    text : str
        Name of the undo step.
    """

    text: str

    def to(self, x: float, y: float) -> Edit:
        """The model with the handle at data point (x, y)."""
        ...

    def words(self, model: FitModel) -> str:
        """Numbers for the readout."""
        ...


class PeakDrag:
    """The circle at the top of a peak: sideways its position, upwards its height."""

    def __init__(self, spectrum: Spectrum, model: FitModel, id: str) -> None:
        self.text = f"Move peak {title(model.component(id))}"
        self._spectrum, self._model, self._id = spectrum, model, id
        self._quantity = spectrum.axis.quantity
        self._height = peak_of(model.component(id), self._quantity).height
        self._scale = max(self._height, 1e-3 * float(np.ptp(spectrum.y)))

    def to(self, x: float, y: float) -> Edit:
        """The model with the top of the peak at (x, y), background included.

        A fitted background rises with the peaks, in proportion to the height: two trials give the straight line, and
        the height that puts the top under the hand follows.
        """
        tried: list[tuple[float, float]] = []
        height = self._height
        for _ in range(PASSES):
            edit = self._with(x, height)
            at = peak_of(edit.model.component(self._id), self._quantity)
            drawn = curves_of(self._spectrum, edit.model)
            level = float(np.interp(at.position, drawn.x, drawn.background))
            missing = y - level - at.height * left_of(drawn, edit.model.component(self._id), at)
            if edit.stopped or abs(missing) <= 2e-4 * max(self._scale, at.height):
                break
            tried.append((at.height, missing))
            height = max(_root(tried), 0.0)
        self._height = at.height
        return edit

    def _with(self, x: float, height: float) -> Edit:
        return move_peak(self._model, self._id, position=x, height=height, quantity=self._quantity)

    def words(self, model: FitModel) -> str:
        """Position, height, width."""
        return peak_words(model, self._id, self._quantity)


def _root(tried: list[tuple[float, float]]) -> float:
    """The height at which nothing is missing, from the last trials (a straight line through two)."""
    (height, missing), before = tried[-1], tried[-2] if len(tried) > 1 else None
    if before is None or before[0] == height or before[1] == missing:
        return height + missing
    return height - missing * (height - before[0]) / (missing - before[1])


class WidthDrag:
    """A mark at half height: its distance from the maximum is scaled, and the width with it."""

    def __init__(self, spectrum: Spectrum, model: FitModel, id: str, side: int) -> None:
        self.text = f"Width of {title(model.component(id))}"
        self._model, self._id, self._side = model, id, side
        self._quantity = spectrum.axis.quantity
        self._least = spectrum.axis.step or 1e-3

    def to(self, x: float, y: float) -> Edit:
        """The model with that half-height mark at x."""
        peak = peak_of(self._model.component(self._id), self._quantity)
        reach = peak.position - peak.left if self._side == 0 else peak.right - peak.position
        wanted = peak.position - x if self._side == 0 else x - peak.position
        fwhm = max(peak.fwhm * wanted / reach if reach > 0 else 2 * wanted, self._least)
        return set_fwhm(self._model, self._id, fwhm)

    def words(self, model: FitModel) -> str:
        """Position, height, width."""
        return peak_words(model, self._id, self._quantity)


class EdgeDrag:
    """A region edge."""

    def __init__(self, spectrum: Spectrum, model: FitModel, side: int) -> None:
        self.text = f"Move edge of {model.name or 'region'}"
        self._model, self._side = model, side
        self._ends = float(spectrum.x[0]), float(spectrum.x[-1])
        self._least = 8 * spectrum.axis.step

    def to(self, x: float, y: float) -> Edit:
        """The model with that edge at x."""
        return move_edge(self._model, self._side, x, *self._ends, self._least)

    def words(self, model: FitModel) -> str:
        """The region."""
        low, high = model.region
        return f"{low:.2f} to {high:.2f} eV"


class AnchorDrag:
    """An anchor of the background: sideways its energy, upwards its distance from the data."""

    text = "Move anchor"

    def __init__(self, spectrum: Spectrum, model: FitModel, index: int) -> None:
        self._spectrum, self._model, self._index = spectrum, model, index

    def to(self, x: float, y: float) -> Edit:
        """The model with that anchor at (x, y)."""
        return move_anchor(self._spectrum, self._model, self._index, x, y)

    def words(self, model: FitModel) -> str:
        """Energy and distance from the data."""
        energy, offset = model.background.anchors[self._index]
        place = "on the data" if offset == 0 else f"{signed(offset, 0 if abs(offset) >= 100 else 1)} from the data"
        return f"{energy:.2f} eV   {place}"


def drag_of(handle: Handle, spectrum: Spectrum, model: FitModel) -> Drag:
    """The drag that a handle starts."""
    if handle.role == "peak":
        return PeakDrag(spectrum, model, handle.id)
    if handle.role == "width":
        return WidthDrag(spectrum, model, handle.id, handle.side)
    if handle.role == "anchor":
        return AnchorDrag(spectrum, model, handle.side)
    return EdgeDrag(spectrum, model, handle.side)


def limits_of(handle: Handle, model: FitModel) -> tuple[float, ...]:
    """Bounds of the position that a drag of this handle can meet, for showing them."""
    if handle.role != "peak":
        return ()
    component = model.component(handle.id)
    param = component.param("position")
    if param.link:
        return ()
    offset = peak_of(component).position - param.value
    return tuple(float(v + offset) for v in (param.minimum, param.maximum) if np.isfinite(v))


def height_above_background(spectrum: Spectrum, model: FitModel, x: float) -> float:
    """Data minus background at a place, the mean of the three nearest channels; at least the noise's size."""
    try:
        drawn = curves_of(spectrum, model)
    except SodaliteError:
        return float(np.interp(x, spectrum.x, spectrum.y))
    at = int(np.argmin(np.abs(drawn.x - x)))
    part = slice(max(at - 1, 0), at + 2)
    height = float(np.mean(drawn.y[part] - drawn.background[part]))
    return max(height, 0.02 * float(np.ptp(drawn.y)), 1e-12)
