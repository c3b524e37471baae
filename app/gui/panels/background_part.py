"""Settings of a background that is taken from the data: loss function, slope, raised ends, anchors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QGridLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from app.gui.panels.base import button, muted, row
from app.gui.panels.numbers import parse_number, plain
from app.gui.plot.captions import signed
from app.gui.theme import GAP_1, GAP_2
from fitting.backgrounds import LOSS_CLASSES, kind
from fitting.line_shape import ShapeParameter
from fitting.model import FitModel
from libraries.errors import BadModel, SodaliteError

OWN = "Own values"
CLASS_WORDS = {"universal": "Universal", "polymer": "Polymer", "SiO2": "SiO₂", "Si": "Si", "Ge": "Ge", "Al": "Al"}
_LOSS = ("b", "c", "d", "t0")
_SWITCHES = {"rescale": "Meet the data at the high end", "curved": "Curved between anchors"}
WORDS = {
    "b": "B", "c": "C", "d": "D", "t0": "T₀", "slope": "Slope", "low_offset": "Raise low end",
    "high_offset": "Raise high end",
}


def _place(offset: float) -> str:
    return "on the data" if offset == 0 else f"{signed(offset, 0 if abs(offset) >= 100 else 1)} from the data"


class BackgroundPart(QWidget):
    """Fields for `fitting.model.Background.settings`, and buttons for its anchors.

    Signals
    -------
    changed(str, FitModel)
        Name of the undo step and the model after an edit.
    refused(str)
        Why an edit was not taken.
    anchor_wanted()
        One more anchor.
    anchor_unwanted(int)
        The number of an anchor that is to go.
    """

    changed = Signal(str, object)
    refused = Signal(str)
    anchor_wanted = Signal()
    anchor_unwanted = Signal(int)

    def __init__(self, model: Callable[[], FitModel | None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model, self._unit = model, "counts"
        self.fields: dict[str, QLineEdit] = {}
        self.switches: dict[str, QCheckBox] = {}
        self._cells: dict[str, tuple[QLabel, QLineEdit, QLabel]] = {}
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(GAP_1)
        self._build_class(body)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(GAP_2)
        self._grid.setVerticalSpacing(GAP_1)
        for name in WORDS:
            self._build_field(name)
        body.addLayout(self._grid)
        for name, words in _SWITCHES.items():
            switch = QCheckBox(words)
            switch.setAccessibleName(words)
            switch.clicked.connect(lambda on, key=name: self._set(key, 1.0 if on else 0.0))
            self.switches[name] = switch
            body.addWidget(switch)
        self._build_anchors(body)
        self._order: tuple[str, ...] | None = None
        self.hide()

    def _build_class(self, body: QVBoxLayout) -> None:
        self.class_words = QLabel("Loss function")
        self.loss_class = QComboBox()
        self.loss_class.setAccessibleName("Class of the loss function")
        self.loss_class.setToolTip("S. Tougaard, Surf. Interface Anal. 25, 137 (1997)")
        for name, words in CLASS_WORDS.items():
            self.loss_class.addItem(words, name)
        self.loss_class.addItem(OWN, "")
        self.loss_class.activated.connect(self._choose_class)
        body.addLayout(row(self.class_words, self.loss_class))

    def _build_field(self, name: str) -> None:
        field = QLineEdit(self)
        field.setMaximumWidth(72)
        field.editingFinished.connect(lambda key=name: self._typed(key))
        label, unit = QLabel(WORDS[name], self), QLabel("", self)
        unit.setProperty("role", "muted")
        label.setBuddy(field)
        self.fields[name] = field
        self._cells[name] = (label, field, unit)

    def _build_anchors(self, body: QVBoxLayout) -> None:
        self.anchors = muted("")
        self.anchors.setAccessibleName("Anchors of the background")
        self.add = button("Add anchor", "In the middle of the widest gap, on the data", self.anchor_wanted.emit)
        self.which = QComboBox()
        self.which.setAccessibleName("Anchor to remove")
        self.remove = button(
            "Remove", "Take this anchor away", lambda: self.anchor_unwanted.emit(self.which.currentIndex())
        )
        self.anchor_row = QWidget()
        line = row(self.add, self.which, self.remove)
        line.setContentsMargins(0, 0, 0, 0)
        self.anchor_row.setLayout(line)
        body.addWidget(self.anchors)
        body.addWidget(self.anchor_row)

    # -- showing ------------------------------------------------------------------------------------------------

    def show_model(self, model: FitModel | None, unit: str = "counts") -> None:
        """Show the settings of a model's background; nothing where it has none. `unit` is that of the intensity."""
        self._unit = "arb. units" if unit == "arbitrary" else unit
        entry = kind(model.background.kind) if model is not None else None
        settings = {s.name: s for s in entry.settings} if entry is not None else {}
        anchored = entry is not None and entry.anchored
        self.setVisible(bool(settings) or anchored)
        if model is None or entry is None:
            return
        self._place(tuple(name for name in WORDS if name in settings))
        for name, setting in settings.items():
            value = model.background.setting(name, setting.default)
            if name in self.switches:
                self.switches[name].setChecked(bool(value))
                self.switches[name].setToolTip(setting.description)
            else:
                self._show_field(setting, value)
        for name, switch in self.switches.items():
            switch.setVisible(name in settings)
        is_loss = set(_LOSS) <= set(settings)
        for widget in (self.class_words, self.loss_class):
            widget.setVisible(is_loss)
        if is_loss:
            now = tuple(model.background.setting(name, settings[name].default) for name in _LOSS)
            self.loss_class.setCurrentIndex(self.loss_class.findData(self._class_of(model, now)))
            # B follows from the data where the end is met.
            self.fields["b"].setEnabled(not model.background.setting("rescale", 1.0))
        anchors = model.background.anchors
        count, chosen = len(anchors), max(self.which.currentIndex(), 0)
        self.which.clear()
        self.which.addItems([f"{energy:.2f} eV, {_place(offset)}" for energy, offset in anchors])
        self.which.setCurrentIndex(min(chosen, count - 1))
        for widget in (self.anchors, self.anchor_row):
            widget.setVisible(anchored)
        self.anchors.setText(
            f"{count} anchor{'s' if count != 1 else ''}. Double-click on the plot adds one, a right click or Delete "
            "removes it; drag to move it."
        )
        self.remove.setEnabled(count > 1)

    @staticmethod
    def _class_of(model: FitModel, now: tuple[float, ...]) -> str:
        """The class with these numbers; B does not matter where it is chosen from the data."""
        first = 1 if model.background.setting("rescale", 1.0) else 0
        return next((name for name, row in LOSS_CLASSES.items() if row[first:] == now[first:]), "")

    def _show_field(self, setting: ShapeParameter, value: float) -> None:
        _, field, unit = self._cells[setting.name]
        if not field.hasFocus() or not field.isModified():
            field.setText(plain(value, 4))
            field.setModified(False)
        field.setToolTip(setting.description)
        field.setAccessibleName(f"{WORDS[setting.name]} of the background")
        unit.setText(f"{self._unit}/eV" if setting.unit == "I/eV" else setting.unit)

    def _place(self, names: tuple[str, ...]) -> None:
        """Fields of this background, two or three in a line."""
        if names == self._order:
            return
        self._order = names
        for cells in self._cells.values():
            for widget in cells:
                self._grid.removeWidget(widget)
                widget.hide()
        for number, name in enumerate(names):
            line, column = divmod(number, 2)
            for offset, widget in enumerate(self._cells[name]):
                self._grid.addWidget(widget, line, 3 * column + offset)
                widget.show()
        self._grid.setColumnStretch(5, 1)

    # -- edits --------------------------------------------------------------------------------------------------

    def _typed(self, name: str) -> None:
        field = self.fields[name]
        if not field.isModified():
            return
        field.setModified(False)
        model = self._model()
        if model is None:
            return
        try:
            value = parse_number(field.text(), WORDS[name])
            setting = next(s for s in kind(model.background.kind).settings if s.name == name)
            if not setting.minimum <= value <= setting.maximum:
                raise BadModel(f"{WORDS[name]} goes from {setting.minimum:g} to {setting.maximum:g} {setting.unit}")
        except SodaliteError as error:
            self.refused.emit(str(error))
            self.show_model(model, self._unit)
            return
        self._set(name, value)

    def _set(self, name: str, value: float) -> None:
        self._change(f"Background: {WORDS.get(name) or _SWITCHES[name].lower()}", {name: value})

    def _choose_class(self, index: int) -> None:
        name = self.loss_class.itemData(index)
        if name:
            self._change(f"Background: {CLASS_WORDS[name]}", dict(zip(_LOSS, LOSS_CLASSES[name], strict=True)))
        else:
            self.fields["c"].setFocus()

    def _change(self, words: str, values: dict[str, float]) -> None:
        model = self._model()
        if model is None:
            return
        background = model.background
        names = [s.name for s in kind(background.kind).settings]
        known = {s.name: background.setting(s.name, s.default) for s in kind(background.kind).settings} | values
        settings = tuple((name, known[name]) for name in names)
        if settings != background.settings:
            self.changed.emit(words, replace(model, background=replace(background, settings=settings)))
