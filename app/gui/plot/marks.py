"""Lines of the library on a plot: where an element or a compound is expected in the shown window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from app.gui.plot.canvas import Mapper
from app.gui.plot.colours import faded
from app.gui.theme import Theme
from fitting.dataset import Spectrum
from fitting.eels.edge_marks import marks
from libraries.auger import AugerLine
from libraries.compounds import ReferenceLine
from libraries.core_levels import lines_in_window
from libraries.units import kinetic_from_binding

ROWS = 3
NO_AUGER = 1e6  # stands for an unknown photon energy: every level can be excited, and Auger lines are left out


@dataclass(frozen=True)
class Mark:
    """A place on the axis with a name: energies in the axis' own terms, low == high for a single line.

    `strong` marks come from cited values, the others from estimates; photoelectron lines get their names first.
    """

    name: str
    low: float
    high: float
    source: str
    strong: bool = False
    auger: bool = False

    @property
    def centre(self) -> float:
        """Middle of the range."""
        return 0.5 * (self.low + self.high)


def element_marks(spectrum: Spectrum, elements: Sequence[str]) -> tuple[Mark, ...]:
    """The photoelectron and Auger lines of elements inside a spectrum's axis, ascending.

    Without a photon energy only photoelectron lines on a binding-energy axis can be placed.
    """
    axis, photon = spectrum.axis, spectrum.meta.photon_energy
    if axis.quantity == "energy_loss":
        return edge_marks(spectrum, elements)
    if axis.quantity not in ("binding_energy", "kinetic_energy") or not elements:
        return ()
    kinetic = axis.quantity == "kinetic_energy"
    if kinetic and photon is None:
        return ()
    low, high = float(spectrum.x[0]), float(spectrum.x[-1])
    if kinetic and photon is not None:
        low, high = photon - high, photon - low
    marks = []
    for line in lines_in_window(low, high, photon or NO_AUGER, elements=elements):
        if isinstance(line, AugerLine):
            if photon is None:
                continue
            energy, strong = photon - line.kinetic_energy, not line.estimated
        else:
            energy, strong = line.binding_energy, not line.approximate
        if low <= energy <= high:
            place = _on_axis(energy, spectrum)
            marks.append(Mark(line.line.name, place, place, line.source, strong, isinstance(line, AugerLine)))
    return tuple(sorted(marks, key=lambda m: m.centre))


def edge_marks(spectrum: Spectrum, elements: Sequence[str]) -> tuple[Mark, ...]:
    """Ionisation edges of elements on an energy-loss axis: strong ones, the others dashed; "…": delayed."""
    found = []
    for mark in marks(elements, float(spectrum.x[0]), float(spectrum.x[-1]), weak=True):
        energy = mark.edge.energy
        found.append(Mark(mark.label, energy, energy, mark.edge.source, mark.strong, auger=not mark.strong))
    return tuple(found)


def reference_marks(spectrum: Spectrum, rows: Sequence[ReferenceLine]) -> tuple[Mark, ...]:
    """Cited ranges of compounds on a spectrum's axis."""
    if spectrum.axis.quantity == "kinetic_energy" and spectrum.meta.photon_energy is None:
        return ()
    marks = []
    for row in rows:
        low, high = sorted((_on_axis(row.low, spectrum), _on_axis(row.high, spectrum)))
        if high >= spectrum.x[0] and low <= spectrum.x[-1]:
            marks.append(Mark(row.label, low, high, f"{row.source} ({row.reference})", True))
    return tuple(marks)


def _on_axis(binding: float, spectrum: Spectrum) -> float:
    photon = spectrum.meta.photon_energy
    if spectrum.axis.quantity == "kinetic_energy" and photon is not None:
        return float(kinetic_from_binding(binding, photon, spectrum.meta.work_function or 0.0))
    return binding


def paint_marks(painter: QPainter, mapper: Mapper, marks: Sequence[Mark], colours: Theme) -> None:
    """Ticks from the top of the plot with names in rows; names that find no place are left out, ticks stay."""
    box, metrics = mapper.box, QFontMetricsF(painter.font())
    height = metrics.height() + 1
    taken: list[list[tuple[float, float]]] = [[] for _ in range(ROWS)]
    names: list[tuple[QRectF, str, QColor]] = []
    painter.save()
    painter.setClipRect(box)
    for mark in sorted(marks, key=lambda m: (m.auger, not m.strong)):
        left, right = sorted((float(mapper.px(mark.low)), float(mapper.px(mark.high))))
        if right < box.left() or left > box.right():
            continue
        colour = QColor(colours.mark if mark.strong else colours.muted)
        if right - left > 1.5:
            painter.fillRect(QRectF(left, box.top(), right - left, box.height()), faded(colour, 0.10))
        x, width = 0.5 * (left + right), metrics.horizontalAdvance(mark.name) + 6
        at = min(max(x - width / 2, box.left() + 2), box.right() - width - 2)
        row = _free_row(taken, at, at + width)
        top = box.top() + 2
        if row is not None:
            names.append((QRectF(at, top + row * height, width, height), mark.name, colour))
            top += (row + 1) * height
        painter.setPen(QPen(faded(colour, 0.8), 1.0, Qt.PenStyle.SolidLine if mark.strong else Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(x, top), QPointF(x, box.top() + 0.3 * box.height()))
    for place, name, colour in names:
        painter.fillRect(place, faded(colours.paper, 0.85))
        painter.setPen(colour)
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, name)
    painter.restore()


def _free_row(taken: list[list[tuple[float, float]]], left: float, right: float) -> int | None:
    """The first row with room between two pixels, which is then taken."""
    for number, row in enumerate(taken):
        if all(right <= first or left >= last for first, last in row):
            row.append((left, right))
            return number
    return None
