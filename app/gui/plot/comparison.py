"""Several spectra over each other: which curves, how they are scaled and moved apart, their legend and the controls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QLineEdit, QSlider, QWidget

from app.gui.panels.base import button
from app.gui.panels.numbers import parse_number, plain
from app.gui.plot.canvas import Mapper
from app.gui.plot.colours import faded
from app.gui.plot.layers import Curve
from app.gui.theme import GAP_2, GAP_3, Theme
from app.project.project import Entry
from fitting.dataset import FloatArray, Spectrum
from fitting.image.place import Place
from libraries.errors import BadModel, SodaliteError

MOST_NAMES = 12  # rows of the legend; more would hide the curves
LONGEST = 240.0  # pixels of a name
STYLES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine)


@dataclass(frozen=True)
class Settings:
    """How spectra are shown over each other; a way of looking, no part of the project.

    Attributes
    ----------
    offset : float
        From one curve to the next: a share of the highest curve, or intensity units where `absolute`.
    absolute : bool
    normalise : bool
        Every curve from 0 at its lowest to 1 at its highest point.
    difference : bool
        Of two spectra, shown below.
    """

    offset: float = 0.0
    absolute: bool = False
    normalise: bool = False
    difference: bool = False


@dataclass(frozen=True, eq=False)
class Trace:
    """One curve of the picture."""

    name: str
    x: FloatArray
    y: FloatArray
    colour: QColor
    style: Qt.PenStyle


@dataclass(frozen=True, eq=False)
class Pile:
    """All curves, bottom first.

    Attributes
    ----------
    traces : tuple of Trace
    left_out : tuple of str
        Names of spectra that are on another axis, or whose recipe does not apply.
    units : tuple of str
        Intensity units that were met.
    difference : (x, y) or None
        First minus second, where two are shown.
    """

    traces: tuple[Trace, ...]
    left_out: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    difference: tuple[FloatArray, FloatArray] | None = None

    def curves(self) -> list[Curve]:
        """As the plot draws them."""
        return [Curve(t.x, t.y, t.colour, 1.5, style=t.style) for t in self.traces]

    def extent(self) -> tuple[FloatArray, list[FloatArray]]:
        """A common axis with every curve on it, for the ranges of the plot."""
        low, high = min(t.x[0] for t in self.traces), max(t.x[-1] for t in self.traces)
        x = np.linspace(low, high, 2000) if high > low else np.array([low, low + 1.0])
        return x, [np.interp(x, t.x, t.y) for t in self.traces]


def flat(spectrum: Spectrum) -> FloatArray:
    """Intensities as one curve: a series is shown as its sum."""
    y = spectrum.y
    return y if y.ndim == 1 else np.asarray(y.reshape(-1, y.shape[-1]).sum(axis=0))


def pile(
    entries: Sequence[Entry], shown: Spectrum, settings: Settings, colours: Theme, samples: Mapping[str, str]
) -> Pile:
    """The curves of spectra as they are after their recipes.

    Parameters
    ----------
    entries : sequence of Entry
        In the order of the list.
    shown : Spectrum
        Its axis decides which others can be shown with it.
    settings : Settings
    colours : Theme
    samples : mapping
        Names of samples by id; they tell spectra of the same name apart.
    """
    found: list[tuple[Entry, FloatArray, FloatArray]] = []
    left_out: list[str] = []
    units: list[str] = []
    for entry in entries:
        try:
            spectrum = entry.processed()
        except SodaliteError:
            left_out.append(entry.title)
            continue
        if (spectrum.axis.quantity, spectrum.axis.unit) != (shown.axis.quantity, shown.axis.unit):
            left_out.append(entry.title)
            continue
        units.append(spectrum.meta.intensity_unit)
        found.append((entry, spectrum.x, flat(spectrum)))
    names = _told_apart([entry for entry, _, _ in found], samples)
    raw = [(x, _unit_height(y) if settings.normalise else y) for _, x, y in found]
    highest = max((float(np.ptp(y)) for _, y in raw), default=1.0) or 1.0
    step = settings.offset if settings.absolute else settings.offset * highest
    traces = tuple(
        Trace(name, x, y + i * step, colours.of(i), STYLES[(i // len(colours.series)) % len(STYLES)])
        for i, (name, (x, y)) in enumerate(zip(names, raw, strict=True))
    )
    return Pile(traces, tuple(left_out), tuple(dict.fromkeys(units)), _difference(raw))


def pile_of_places(
    entry: Entry, places: Sequence[tuple[str, Place, int, str]], settings: Settings, colours: Theme
) -> Pile:
    """The spectra of places of an image, each divided by the number of its pixels.

    Parameters
    ----------
    entry : Entry
    places : sequence of (name, place, number of pixels, colour)
        In the order of the list; "" for a colour of the theme.
    """
    raw = []
    for name, place, pixels, colour in places:
        spectrum = entry.single(place)
        y = flat(spectrum) / max(pixels, 1)
        raw.append((name, spectrum.x, _unit_height(y) if settings.normalise else y, colour))
    highest = max((float(np.ptp(y)) for _, _, y, _ in raw), default=1.0) or 1.0
    step = settings.offset if settings.absolute else settings.offset * highest
    traces = tuple(
        Trace(name, x, y + i * step, QColor(colour) if colour else QColor(colours.data), STYLES[0])
        for i, (name, x, y, colour) in enumerate(raw)
    )
    return Pile(traces, (), (), _difference([(x, y) for _, x, y, _ in raw]))


def _unit_height(y: FloatArray) -> FloatArray:
    size = float(np.ptp(y))
    return (y - float(y.min())) / size if size > 0 else np.zeros_like(y)


def _told_apart(entries: Sequence[Entry], samples: Mapping[str, str]) -> list[str]:
    """Titles; where they are the same, with what the series varies and with the sample."""
    titles = [entry.title for entry in entries]
    several = len({entry.sample for entry in entries}) > 1
    result = []
    for entry in entries:
        parts = [entry.title]
        if titles.count(entry.title) > 1:
            value = "" if entry.value is None else f"{entry.value:g} {entry.unit}".strip()
            parts += [value] if value and value not in entry.title else []
            parts += [samples[entry.sample]] if several and entry.sample in samples else []
        result.append("  ·  ".join(parts))
    return result


def _difference(curves: list[tuple[FloatArray, FloatArray]]) -> tuple[FloatArray, FloatArray] | None:
    """First minus second on the first one's points where both are known."""
    if len(curves) != 2:
        return None
    (x, y), (other, values) = curves
    inside = (x >= other[0]) & (x <= other[-1])
    if np.count_nonzero(inside) < 2:
        return None
    return x[inside], y[inside] - np.interp(x[inside], other, values)


def paint_legend(painter: QPainter, mapper: Mapper, traces: Sequence[Trace], colours: Theme, reverse: bool) -> None:
    """Names beside short lines in the corner, the topmost curve first."""
    if not traces:
        return
    rows = list(traces)[:: -1 if reverse else 1]
    metrics = QFontMetricsF(painter.font())
    names = [metrics.elidedText(t.name, Qt.TextElideMode.ElideRight, LONGEST) for t in rows[:MOST_NAMES]]
    if len(rows) > MOST_NAMES:
        names.append(f"and {len(rows) - MOST_NAMES} more")
    line, width = metrics.height() + 3, max(metrics.horizontalAdvance(name) for name in names) + 44
    box = QRectF(mapper.box.right() - width - 10, mapper.box.top() + 8, width, line * len(names) + 10)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(faded(colours.paper, 0.86))
    painter.drawRoundedRect(box, 6, 6)
    for number, name in enumerate(names):
        top = box.top() + 5 + number * line
        if number < min(len(rows), MOST_NAMES):
            painter.setPen(QPen(rows[number].colour, 2.2, rows[number].style))
            middle = top + line / 2
            painter.drawLine(QPointF(box.left() + 9, middle), QPointF(box.left() + 29, middle))
        painter.setPen(QColor(colours.text if number < len(rows) else colours.muted))
        place = QRectF(box.left() + 37, top, width - 38, line)
        painter.drawText(place, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, name)


class ComparisonBar(QWidget):
    """The controls above the plot while several spectra are shown.

    Signals
    -------
    changed(Settings)
    closed()
        Back to the single spectrum.
    """

    changed = Signal(object)
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.settings = Settings()
        self.setAccessibleName("Overlay of spectra")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, 150)
        self.slider.setMinimumWidth(48)  # beside the navigator there is little room
        self.slider.setMaximumWidth(120)
        self.slider.setAccessibleName("Offset in per cent of the highest curve")
        self.slider.setToolTip("Moves the curves apart")
        self.field = QLineEdit("0 %")
        self.field.setFixedWidth(64)
        self.field.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.field.setAccessibleName("Offset")
        self.field.setToolTip("From curve to curve: 20 % of the highest, or a number in the unit of the intensity")
        self.normalise = QCheckBox("Normalise")
        self.normalise.setToolTip("Every curve from its lowest to its highest point; only for looking")
        self.difference = QCheckBox("Difference")
        self.difference.setToolTip("First minus second, below")
        self.note = QLabel("")
        self.note.setProperty("role", "muted")
        self.close_button = close = button(
            "Single spectrum", "Show only the spectrum chosen last", self.closed.emit
        )
        line = QHBoxLayout(self)
        line.setContentsMargins(GAP_3, 2, GAP_3, 0)
        line.setSpacing(GAP_2)
        for widget in (QLabel("Offset"), self.slider, self.field, self.normalise, self.difference, self.note):
            line.addWidget(widget)
        line.addStretch(1)
        line.addWidget(close)
        self.slider.valueChanged.connect(self._slid)
        self.field.editingFinished.connect(self._typed)
        self.normalise.toggled.connect(lambda on: self._set(replace(self.settings, normalise=on)))
        self.difference.toggled.connect(lambda on: self._set(replace(self.settings, difference=on)))

    def say(self, found: Pile) -> None:
        """What the analyst should know of this picture."""
        self.difference.setVisible(found.difference is not None)
        words = []
        if found.left_out:
            words.append(f"{len(found.left_out)} on another axis left out")
        if len(found.units) > 1 and not self.settings.normalise:
            words.append("different units: " + ", ".join(found.units))
        self.note.setText("  ·  ".join(words))
        self.note.setToolTip(", ".join(found.left_out))

    def _slid(self, percent: int) -> None:
        self.field.setText(f"{percent} %")
        self._set(replace(self.settings, offset=percent / 100, absolute=False))

    def _typed(self) -> None:
        text = self.field.text().strip()
        share = text.endswith("%")
        try:
            value = parse_number(text, "The offset")
        except BadModel:
            self._show_field()
            return
        settings = replace(self.settings, offset=value / 100 if share else value, absolute=not share)
        self._set(settings)
        self.slider.blockSignals(True)
        self.slider.setValue(round(value) if share else 0)
        self.slider.blockSignals(False)
        self._show_field()

    def _show_field(self) -> None:
        s = self.settings
        self.field.setText(plain(s.offset, 6) if s.absolute else f"{plain(100 * s.offset, 2)} %")

    def _set(self, settings: Settings) -> None:
        if settings != self.settings:
            self.settings = settings
            self.changed.emit(settings)
