"""The Model panel: background, components, their parameters and links, and proposals of the library."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QLineEdit, QSpinBox, QWidget

from app.gui import theme
from app.gui.document import Document
from app.gui.panels.background_part import BackgroundPart
from app.gui.panels.base import Panel, button, heading, muted, row
from app.gui.panels.component_rows import AREA, COLUMNS, FWHM, POSITION, SHARE, component_rows, edited
from app.gui.panels.component_table import ComponentTable
from app.gui.panels.numbers import parse_number
from app.gui.panels.parameters import ParameterTable
from app.gui.panels.suggestions import SuggestionList
from app.gui.plot.anchors import add_anchor, remove_anchor, takes_anchors, widest_gap
from app.gui.plot.captions import background_words
from app.gui.plot.edits import Edit, title
from app.gui.plot.handles import anchored
from app.gui.theme import SPIN_MARGINS
from app.project.project import RegionFit
from fitting import guess
from fitting.backgrounds import KINDS
from fitting.curves import curves
from fitting.dataset import Spectrum
from fitting.evaluate import Evaluator
from fitting.model import BACKGROUND, FitModel
from fitting.peaks import error_factor
from libraries.errors import BadModel, SodaliteError

LOSSES = "The library's lines are photoelectron lines; energy-loss edges are on the page Core loss"


class ModelPanel(Panel):
    """Model of the shown region.

    Signals
    -------
    tool_requested(str)
        "peak" or "region": the next click or drag on the plot is meant to make one.
    """

    tool_requested = Signal(str)

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(document, "Model", parent)
        self._build_background()
        self._build_components()
        self._build_doublet()
        self.suggestions = SuggestionList()
        self.suggestions.chosen.connect(self._add_suggestion)
        self.suggestions.hide()
        self.body.addWidget(self.suggestions)
        self.chosen = heading("")
        self.source = muted("")
        self.parameters = ParameterTable("Parameters of the component", self._model_now, self.document)
        self.parameters.changed.connect(self._change)
        self.parameters.refused.connect(self.say)
        self.parameters.applied.connect(self.show_now)
        for widget in (self.chosen, self.source, self.parameters):
            self.body.addWidget(widget)
        self.body.addStretch(1)
        self._shown_fit: str | None = None
        self.document.place_changed.connect(self._changed)
        self.ready()

    def _build_background(self) -> None:
        words = QLabel("Background")
        words.setProperty("role", "heading")
        self.kind = QComboBox()
        self._offered: tuple[str, ...] = ()
        self._offer_backgrounds(tuple(KINDS))
        # Names are long: the list shows them whole, the panel stays narrow.
        self.kind.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.kind.setMinimumContentsLength(16)
        self.kind.setAccessibleName("Kind of background")
        self.kind.setToolTip(
            "Backgrounds fitted with the peaks leave no bias at high counts; the others run between "
            "the averaged ends of the region"
        )
        self.kind.activated.connect(self._change_background)
        words.setBuddy(self.kind)
        self.average_words = QLabel("Ends over ±")
        self.average = QSpinBox()
        self.average.setRange(0, 50)
        self.average.setSuffix(" points")
        self.average.setAccessibleName("Points averaged at each end, to either side")
        self.average.setToolTip("End levels are the mean of 2n+1 points (CasaXPS: Av. Width n)")
        self.average.setKeyboardTracking(False)
        self.average.lineEdit().setTextMargins(*SPIN_MARGINS)
        self.average.valueChanged.connect(self._change_average)
        line = QHBoxLayout()
        line.addWidget(words)
        line.addWidget(self.kind, 1)
        self.body.addLayout(line)
        self.body.addLayout(row(self.average_words, self.average))
        self.settings = BackgroundPart(self._model_now)
        self.settings.changed.connect(self._change)
        self.settings.refused.connect(self.say)
        self.settings.anchor_wanted.connect(self._add_anchor)
        self.settings.anchor_unwanted.connect(self._remove_anchor)
        self.body.addWidget(self.settings)
        self.doubts = muted("")
        self.doubts.setProperty("role", "warning")
        self.doubts.setAccessibleName("Remarks on the background")
        self.doubts.hide()
        self.body.addWidget(self.doubts)
        self.background = ParameterTable("Parameters of the background", self._model_now, self.document)
        self.background.changed.connect(self._change)
        self.background.refused.connect(self.say)
        self.background.hide()
        self.more = button(
            "Parameters of the background", "Level, step and slope with bounds and holds", self._toggle_background
        )
        self.more.setProperty("link", True)
        self.more.setCheckable(True)
        self.body.addWidget(self.more)
        self.body.addWidget(self.background)

    def _build_components(self) -> None:
        self.table = ComponentTable(self._model_now, self.document)
        self.table.rows.edited.connect(self._edit)
        self.table.changed.connect(self._change)
        self.table.wanted_elsewhere.connect(self._move_to_region)
        self.table.refused.connect(self.say)
        self.table.current_changed.connect(self.document.select_component)
        self._models.append(self.table.rows)
        self.body.addWidget(self.table)
        self.enlarged = muted("")
        self.enlarged.setProperty("role", "warning")
        self.enlarged.setAccessibleName("Factor of the errors")
        self.enlarged.hide()
        self.body.addWidget(self.enlarged)
        self.empty = muted("No components yet. Click a place with the peak tool, or let the library suggest.")
        self.body.addWidget(self.empty)
        peak = button(
            "Peak", "Then click on the plot where the peak is", lambda: self.tool_requested.emit("peak"), sign="peak"
        )
        self.library_buttons = (
            (button("Doublet…", "", self.ask_doublet, sign="doublet"),
             "Two lines with the library's splitting and ratio"),
            (button("Suggest", "", self.suggest, sign="suggest"), "What the library knows in this region"),
        )  # fmt: skip
        self.body.addLayout(row(peak, *(each for each, _ in self.library_buttons)))

    def _build_doublet(self) -> None:
        self.doublet = QWidget()
        self.line, self.place = QLineEdit(), QLineEdit()
        self.line.setPlaceholderText("V 2p")
        self.line.setAccessibleName("Doublet, for example V 2p")
        self.place.setPlaceholderText("BE / eV")
        self.place.setAccessibleName("Binding energy of the larger line in eV")
        self.place.setMaximumWidth(90)
        self.line.setMaximumWidth(90)
        for field in (self.line, self.place):
            field.returnPressed.connect(self._add_doublet)
        line = row(
            QLabel("Doublet"),
            self.line,
            QLabel("at"),
            self.place,
            QLabel("eV"),
            button("Add", "Add both lines, linked", self._add_doublet, primary=True),
            button("Cancel", "Close", self.doublet.hide),
        )
        line.setContentsMargins(0, 0, 0, 0)
        self.doublet.setLayout(line)
        self.doublet.hide()
        self.body.addWidget(self.doublet)

    def _model_now(self) -> FitModel | None:
        """The model as the document has it, however old the tables are."""
        fit = self.document.fit
        return fit.model if fit is not None else None

    # -- showing ------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show the document; cells change in place."""
        fit, chosen = self.document.fit, self.document.selection.component
        self.setEnabled(fit is not None)
        if fit is None:
            spectrum = self.document.shown()
            if spectrum is not None:
                self._offer_backgrounds(guess.backgrounds_for(spectrum))
                usual = guess.default_background(spectrum, float(spectrum.x[0]))
                self.kind.setCurrentIndex(self.kind.findData(usual))
            self.table.rows.set_rows(())
            self.parameters.show_owner(None, None)
            self.background.show_owner(None, None)
            self._shown_fit = None
            for widget in (
                self.table, self.empty, self.enlarged, self.more, self.background, self.settings, self.doubts,
                self.parameters,
                self.suggestions,
            ):
                widget.hide()
            self.chosen.show()
            self.chosen.setText("No region yet")
            self.source.setText("Drag over the part of the spectrum that is to be fitted, with the region tool.")
            return
        if fit.id != self._shown_fit:
            self._shown_fit = fit.id
            self.suggestions.hide()
            self.say("")
        self.table.show()
        self._suit_axis()
        self._show_background(fit.model)
        self.table.regions = self._other_regions(fit)
        place = {"project": self.document.project, "entry": self.document.selection.entry}
        self.table.rows.set_rows(component_rows(fit, theme.current(), **place))
        self.table.fit_height()
        self.table.fit_names()
        self.table.fit_columns((POSITION, FWHM, AREA, SHARE))
        self.table.show_current(chosen)
        self.empty.setVisible(not fit.model.components)
        factor = error_factor(fit.result) if fit.result is not None else 1.0
        self.enlarged.setVisible(factor > 1 and bool(fit.model.components))
        self.enlarged.setText(f"* Errors × {factor:.2f} = √χ²ᵣ: the model misses structure in the data.")
        self._show_chosen(fit.model, chosen)

    def _offer_backgrounds(self, kinds: tuple[str, ...]) -> None:
        """Fill the list of backgrounds, groups parted by a line."""
        if kinds == self._offered:
            return
        self._offered, group = kinds, ""
        self.kind.clear()
        for kind in kinds:
            if group and KINDS[kind].group != group:
                self.kind.insertSeparator(self.kind.count())
            group = KINDS[kind].group
            self.kind.addItem(background_words(kind), kind)

    def _suit_axis(self) -> None:
        """Words and buttons for photoelectrons or for energy losses."""
        spectrum = self.document.shown()
        losses = spectrum is not None and spectrum.axis.quantity == "energy_loss"
        self.table.rows.retitle(POSITION, "Energy / eV" if losses else COLUMNS[POSITION].title)
        for each, tip in self.library_buttons:
            each.setEnabled(not losses)
            each.setToolTip(LOSSES if losses else tip)

    def _show_background(self, model: FitModel) -> None:
        spectrum = self.document.shown()
        if spectrum is not None:
            fitting, now = guess.backgrounds_for(spectrum), model.background.kind
            self._offer_backgrounds(tuple(k for k in KINDS if k in fitting or k == now))
        at = self.kind.findData(model.background.kind)
        if at >= 0 and at != self.kind.currentIndex():
            self.kind.setCurrentIndex(at)
        fixed = anchored(model) or takes_anchors(model)
        self.average_words.setText("Anchors over ±" if takes_anchors(model) else "Ends over ±")
        self.average.setVisible(fixed)
        self.average_words.setVisible(fixed)
        if self.average.value() != model.background.average:
            self.average.blockSignals(True)
            self.average.setValue(model.background.average)
            self.average.blockSignals(False)
        self.more.setVisible(bool(model.background.params))
        self.background.setVisible(bool(model.background.params) and self.more.isChecked())
        self.background.show_owner(model, BACKGROUND)
        self.settings.show_model(model, spectrum.meta.intensity_unit if spectrum is not None else "counts")
        told = background_warnings(spectrum, model) if spectrum is not None else ""
        self.doubts.setText(told)
        self.doubts.setVisible(bool(told))

    def _show_chosen(self, model: FitModel, chosen: str | None) -> None:
        self.parameters.show_owner(model, chosen)
        self.parameters.setVisible(chosen is not None)
        self.chosen.setVisible(chosen is not None)
        if chosen is None:
            self.source.setText("Choose a component to see its bounds and links." if model.components else "")
            return
        component = model.component(chosen)
        self.chosen.setText(title(component))
        known = "  ·  ".join(filter(None, (component.line, component.compound, component.source)))
        self.source.setText(known or "No library source: put by hand")

    def _other_regions(self, fit: RegionFit) -> tuple[tuple[str, str], ...]:
        entry = self.document.entry
        return tuple((f.id, f.name) for f in entry.fits if f.id != fit.id) if entry is not None else ()

    def _toggle_background(self) -> None:
        self.background.setVisible(self.more.isChecked())

    # -- edits --------------------------------------------------------------------------------------------------

    def _change(self, words: str, model: FitModel) -> None:
        self.say("")
        self.document.edit_model(words, model)
        self.show_now()

    def _edit(self, id: str, column: int, text: str) -> None:
        fit = self.document.fit
        if fit is None:
            return

        def change() -> None:
            words, edit = edited(fit.model, id, column, text)
            self.document.edit_model(words, edit.model)
            note.append(edit.note)

        note: list[str] = []
        if self.attempt(change) and note[0]:
            self.say(note[0])

    def _change_background(self, _: int) -> None:
        fit, spectrum, kind = self.document.fit, self.document.shown(), self.kind.currentData()
        if fit is None or spectrum is None or kind == fit.model.background.kind:
            return
        done = self.attempt(
            lambda: self.document.edit_model(
                f"Background: {background_words(kind)}", guess.change_background(spectrum, fit.model, kind)
            )
        )
        if not done:
            self._show_background(fit.model)

    def _change_average(self, value: int) -> None:
        fit = self.document.fit
        if fit is not None and value != fit.model.background.average:
            background = replace(fit.model.background, average=value)
            self.document.edit_model("Ends of the background", replace(fit.model, background=background))

    def _add_anchor(self) -> None:
        fit, spectrum = self.document.fit, self.document.shown()
        if fit is not None and spectrum is not None:
            self._take("Add anchor", add_anchor(spectrum, fit.model, widest_gap(fit.model)))

    def _remove_anchor(self, index: int) -> None:
        fit = self.document.fit
        if fit is not None and 0 <= index < len(fit.model.background.anchors):
            self._take("Remove anchor", remove_anchor(fit.model, index))

    def _take(self, words: str, edit: Edit) -> None:
        fit = self.document.fit
        if fit is not None and edit.model is not fit.model:
            self._change(words, edit.model)
        self.say(edit.note)

    def _move_to_region(self, id: str, region: str) -> None:
        """Take a component out of this region and put it into another, where its links end."""
        entry, fit = self.document.entry, self.document.fit
        if entry is None or fit is None:
            return
        target = next(other.fit for other in self.document.regions() if other.fit.id == region)
        component = fit.model.component(id)
        bare = component.with_(**{n: replace(p, link="") for n, p in component.params})
        moved = replace(bare, id=target.model.fresh_id(), doublet="")
        changed = entry.with_fit(self.document.placed(fit.id, fit.model.without(id)))
        changed = changed.with_fit(self.document.placed(region, target.model.with_component(moved)))
        self.document.apply(f"Move {title(component)} to {target.name}", self.document.project.with_entry(changed))

    # -- new components -----------------------------------------------------------------------------------------

    def ask_doublet(self) -> None:
        """Open the line for a doublet, at the largest part of the data that the model does not explain."""
        fit, spectrum = self.document.fit, self.document.shown()
        if fit is None or spectrum is None:
            return
        try:
            drawn = curves(spectrum, fit.model)
            place = float(drawn.x[int(np.argmax(drawn.y - drawn.envelope))])
            self.place.setText(f"{place:.2f}")
        except SodaliteError:
            self.place.clear()
        self.doublet.show()
        self.line.setFocus(Qt.FocusReason.OtherFocusReason)
        self.line.selectAll()

    def _add_doublet(self) -> None:
        fit, spectrum = self.document.fit, self.document.shown()
        if fit is None or spectrum is None:
            return

        def add() -> None:
            line = self.line.text().strip()
            if not line:
                raise BadModel("Name the doublet", todo="For example V 2p, S 2p or Cl 2p")
            place = parse_number(self.place.text(), "The binding energy")
            low, high = fit.model.region
            if not low <= place <= high:
                raise BadModel(f"The line must lie in the region, {low:.2f} to {high:.2f} eV", where=f"{place:g} eV")
            self._extend(f"Add doublet {line}", guess.add_doublet(spectrum, fit.model, line, place, "gl_sum"))
            self.doublet.hide()

        self.attempt(add)

    def suggest(self) -> None:
        """Show what the library proposes for this region."""
        fit, spectrum = self.document.fit, self.document.shown()
        if fit is not None and spectrum is not None:
            self.attempt(lambda: self.suggestions.show_proposals(guess.suggestions(spectrum, fit.model)))

    def _add_suggestion(self, proposal: guess.Suggestion) -> None:
        fit, spectrum = self.document.fit, self.document.shown()
        if fit is not None and spectrum is not None:
            self.attempt(
                lambda: self._extend(f"Add {proposal.title}", guess.add_suggestion(spectrum, fit.model, proposal))
            )

    def _extend(self, words: str, model: FitModel) -> None:
        """Take over a model with more components and choose the first new one."""
        fit = self.document.fit
        old = {c.id for c in fit.model.components} if fit is not None else set()
        self.document.edit_model(words, model)
        self.document.select_component(next((c.id for c in model.components if c.id not in old), None))


def background_warnings(spectrum: Spectrum, model: FitModel) -> str:
    """What the analyst ought to know of a background that is taken from the data; "" where all is well."""
    if not KINDS[model.background.kind].static or spectrum.navigation:
        return ""
    try:
        return " ".join(f"{text.rstrip('.')}." for text in Evaluator(spectrum, replace(model, components=())).warnings)
    except SodaliteError:
        return ""  # the plot says why there is none
