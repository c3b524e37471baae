"""The parameters of one component or of the background: value, hold, bounds and what they follow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from app.gui.document import Document
from app.gui.panels.base import muted
from app.gui.panels.links import explained, from_words, to_words
from app.gui.panels.numbers import parse_bound, parse_number, plain
from app.gui.panels.tables import Cell, Column, Row, RowsModel, RowsView
from app.gui.panels.tied import TIED, Shown, explained_tie, followed, tie_words
from app.gui.plot.edits import WORDS, label, set_value, settled, with_link
from app.gui.theme import ROW
from fitting.model import BACKGROUND, FitModel, Param
from fitting.shapes import shape
from libraries.errors import BadModel

VALUE, HELD, MINIMUM, MAXIMUM, FOLLOWS = range(1, 6)
COLUMNS = (
    Column("Parameter", "What is fitted"),
    Column("Value", "Start value, or the fitted one", True),
    Column("Hold", "A held value is not fitted"),
    Column("Min", "Lower bound; empty for none", True),
    Column("Max", "Upper bound; empty for none", True),
    Column(
        "Follows",
        "A component (“C–O + 3.1 eV”, “half of V 2p3/2”, “same width as C–O”), one of another region "
        "(“O 1s: CO3 × 0.33”), or “between 284 and 285”, “fixed”, “free”; empty for no link",
    ),
)


def parameter_rows(model: FitModel, owner: str, shown: Shown | None = None) -> list[Row]:
    """One row a parameter; with the region in its project, ties to other regions are shown."""
    holder = model.background if owner == BACKGROUND else model.component(owner)
    tied = shown.ties if shown is not None else {}
    return [
        _row(model, f"{owner}.{name}", name, param, shown if f"{owner}.{name}" in tied else None)
        for name, param in holder.params
    ]


def _row(model: FitModel, full: str, name: str, param: Param, tied: Shown | None) -> Row:
    words, tip = WORDS.get(name, name.replace("_", " ")), _description(model, full)
    linked = bool(param.link) or tied is not None
    follows = to_words(model, full) if tied is None else tie_words(tied, full)
    meaning = explained(model, full) if tied is None else explained_tie(tied, full)
    note = tied.ties[full].note if tied is not None else ""
    return Row(
        full,
        (
            Cell(words[:1].upper() + words[1:], tooltip=tip),
            Cell(
                plain(param.value, _decimals(param.value)),
                plain(param.value, 6),
                muted=linked or not param.vary,
            ),
            Cell("", checked=not param.vary, tooltip="It follows its link" if linked else "Hold this value in the fit"),
            Cell(plain(param.minimum), plain(param.minimum, 6), muted=linked),
            Cell(plain(param.maximum), plain(param.maximum, 6), muted=linked),
            Cell((TIED if tied else "") + follows, follows, "\n".join(filter(None, (meaning, note)))),
        ),
    )


def _decimals(value: float) -> int:
    size = abs(value)
    return 0 if size >= 100_000 else 1 if size >= 1000 else 3 if size >= 100 else 4


def _description(model: FitModel, full: str) -> str:
    owner, _, name = full.partition(".")
    if owner == BACKGROUND:
        return ""
    found = [p for p in shape(model.component(owner).shape).parameters if p.name == name]
    return f"{found[0].description}{f' ({found[0].unit})' if found and found[0].unit else ''}" if found else ""


def parameter_edited(model: FitModel, full: str, column: int, text: str) -> tuple[str, FitModel]:
    """What a typed cell does: name of the undo step, and the model.

    Raises
    ------
    BadModel
        For the user.
    """
    param, words = model.params[full], label(model, full)
    if column == FOLLOWS:
        return f"Link of the {words}", with_link(model, full, from_words(model, full, text))
    if column == VALUE:
        value = parse_number(text)
        if not param.link and not param.minimum <= value <= param.maximum:
            raise BadModel(
                "The value lies outside its bounds", where=f"{words} {text.strip()}", todo="Change the bounds first"
            )
        edit = set_value(model, full, value, held_too=True)
        if edit.stopped:
            raise BadModel(edit.note)
        return f"Change the {words}", edit.model
    low = parse_bound(text, True) if column == MINIMUM else param.minimum
    high = parse_bound(text, False) if column == MAXIMUM else param.maximum
    if low > high:
        raise BadModel("The lower bound lies above the upper bound", where=words)
    if not param.link and not low <= param.value <= high:
        raise BadModel(f"The value {plain(param.value)} would lie outside", where=words, todo="Change the value first")
    return f"Bounds of the {words}", settled(model.with_params({full: replace(param, minimum=low, maximum=high)}))


class ParameterTable(QWidget):
    """Editor of the parameters of one owner, with a preview of its links in plain words.

    Signals
    -------
    changed(str, object)
        Name of an undo step and the model after it.
    refused(str)
        Why a typed text was not taken.
    applied()
        What was typed changed more than this model (a tie), and is in the document.
    """

    changed = Signal(str, object)
    refused = Signal(str)
    applied = Signal()

    def __init__(
        self, name: str, model_now: Callable[[], FitModel | None], document: Document | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self.rows = RowsModel(COLUMNS)
        self.view = RowsView(self.rows, name)
        self.view.set_widths((122, 84, 42, 62, 62, 124))
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.horizontalHeader().setStretchLastSection(True)
        self.words = muted("")
        self.words.setAccessibleName("Links in words")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        self.spread = QCheckBox()
        self.spread.setToolTip(
            "What is measured is the component convolved with this curve; place, width and amount are those before"
        )
        self.spread.hide()
        layout.addWidget(self.view)
        layout.addWidget(self.words)
        layout.addWidget(self.spread)
        self._model_now = model_now
        self._owner: str | None = None
        self.rows.edited.connect(self._edited)
        self.rows.toggled.connect(self._toggled)
        self.spread.clicked.connect(self._spread)

    def show_owner(self, model: FitModel | None, owner: str | None) -> None:
        """Show these parameters; None for none."""
        self._show_spread(model, owner)
        if model is None or owner is None:
            self.rows.set_rows(())
            self.words.setText("")
            return
        before = self.rows.rowCount()
        shown = self._shown()
        self.rows.set_rows(parameter_rows(model, owner, shown))
        count = self.rows.rowCount()
        if count != before:
            height = self.view.horizontalHeader().sizeHint().height() + ROW * count + 4
            self.view.setFixedHeight(height)
        names = [self.rows.key(i) or "" for i in range(count)]
        tied = shown.ties if shown is not None else {}
        parts = (explained_tie(shown, n) if shown is not None and n in tied else explained(model, n) for n in names)
        text = "; ".join(filter(None, parts))
        self.words.setText(text[:1].upper() + text[1:])
        self.words.setVisible(bool(text))

    def _show_spread(self, model: FitModel | None, owner: str | None) -> None:
        """Offer the convolution where the model has something to convolve with."""
        self._owner = owner
        response = model.response if model is not None and owner not in (None, BACKGROUND) else None
        self.spread.setVisible(response is not None)
        if model is not None and owner is not None and response is not None:
            self.spread.setText(f"Convolved with {response.name or 'the response'}")
            self.spread.setChecked(model.component(owner).broadened)

    def _spread(self, wanted: bool) -> None:
        now = self._model_now()
        if now is None or self._owner is None or now.response is None:
            return
        component = now.component(self._owner)
        words = f"{'Convolve' if wanted else 'Do not convolve'} {component.name or component.id}"
        self.changed.emit(words, now.with_component(replace(component, broadened=wanted)))

    def _shown(self) -> Shown | None:
        """The shown region in its project; None where the table knows no document."""
        document = self._document
        if document is None or document.selection.entry is None or document.selection.fit is None:
            return None
        return Shown(document.project, document.selection.entry, document.selection.fit)

    def _edited(self, full: str, column: int, text: str) -> None:
        now, shown = self._model_now(), self._shown()
        if now is None or full not in now.params:
            return
        try:
            if column == FOLLOWS and shown is not None and self._document is not None:
                words, project = followed(shown, full, text)
                self.refused.emit("")
                self._document.apply(words, project)
                self.applied.emit()
                return
            if shown is not None and full in shown.ties and column == VALUE:
                raise BadModel("This value follows another region", where=label(now, full),
                               todo="Change the one that it follows, or clear the column Follows")
            words, model = parameter_edited(now, full, column, text)
        except BadModel as error:
            self.refused.emit(str(error))
            return
        self.refused.emit("")
        self.changed.emit(words, model)

    def _toggled(self, full: str, column: int, held: bool) -> None:
        now = self._model_now()
        if now is None or full not in now.params:
            return
        words = f"{'Hold' if held else 'Free'} the {label(now, full)}"
        self.changed.emit(words, now.with_params({full: replace(now.params[full], vary=not held)}))
