"""The fields of a processing step: which numbers it takes, read from the form and written into it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QLineEdit, QVBoxLayout, QWidget

from app.gui.document import Document
from app.gui.panels.base import muted
from app.gui.panels.numbers import parse_number, plain
from app.gui.theme import GAP_2
from fitting.processing.difference import subtracted_kinds
from fitting.processing.satellites import parse_lines, satellites_step
from fitting.processing.scale import NORMALISATIONS
from fitting.processing.spikes import THRESHOLD, find_spikes, spikes_step
from fitting.recipe import Recipe, Step
from libraries.errors import BadData


@dataclass(frozen=True)
class Field:
    """One entry of a form: name of the parameter, its words, its start, or the texts to choose from.

    `text` keeps what is typed as text; an `optional` field may stay empty, which then means `empty`.
    """

    name: str
    label: str
    start: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    text: bool = False
    empty: str = ""

    @property
    def optional(self) -> bool:
        """Whether it may stay empty."""
        return bool(self.empty)


@dataclass(frozen=True)
class Form:
    """A kind of step as the panel offers it."""

    kind: str
    title: str
    tip: str
    fields: tuple[Field, ...] = ()


_MODES = dict(zip(NORMALISATIONS, ("to the maximum", "to the area", "to live time (counts/s)", "by a factor"),
                  strict=True))
_BACKGROUNDS = {"shirley": "Shirley", "linear": "straight line"}
FORMS = (
    Form("crop", "Keep a range", "Leaves out all other points.", (Field("low", "From / eV"), Field("high", "To / eV"))),
    Form("normalise", "Normalise",
         "Divides all intensities by one number; the noise goes along, counts stay counted.",
         (Field("mode", "Normalise", choices=tuple(_MODES.items())),
          Field("factor", "Factor", empty="only for a factor"),
          Field("low", "Area from / eV", empty="all of the spectrum"), Field("high", "to / eV", empty=" "))),
    Form("unit", "Counts or counts/s",
         "Needs dwell time and sweeps, from the file or given here; the noise goes along exactly.",
         (Field("to", "Convert to", choices=(("counts/s", "counts/s"), ("counts", "counts"))),
          Field("dwell_time", "Dwell time / s", empty="from the file"),
          Field("sweeps", "Sweeps", empty="from the file"))),
    Form("spikes", "Take out spikes",
         "Replaces single channels far above their neighbours; each is listed. Very sharp lines can look like spikes: "
         "compare before and after.", (Field("threshold", "Above noise by / σ", f"{THRESHOLD:g}"),)),
    Form("satellites", "Take out X-ray satellites",
         "For tubes without monochromator. The tube's energies and heights (eV, share) are from memory of the "
         "handbooks, not verified: edit them if you know yours. Auger lines cast none: name their range.",
         (Field("anode", "Tube", choices=(("Al", "Al Kα"), ("Mg", "Mg Kα"))),
          Field("lines", "Satellites", text=True), Field("auger_low", "Auger lines from / eV", empty="none"),
          Field("auger_high", "to / eV", empty="none"))),
    Form("background", "Subtract a background",
         "For showing and comparing; to fit, keep the background in the model. The noise is that of all counts.",
         (Field("background", "Background", choices=tuple((k, _BACKGROUNDS[k]) for k in subtracted_kinds()[::-1])),
          Field("low", "From / eV"), Field("high", "To / eV"), Field("average", "Ends averaged over ± points", "2"))),
    Form("smooth", "Smooth",
         "Savitzky–Golay, for display: neighbours correlate, peaks become lower and wider. Better not fitted.",
         (Field("points", "Points (odd)", "7"), Field("order", "Order", "2"))),
    Form("rebin", "Join channels", "Adds counts of neighbours (rates: their mean); counts stay counts.",
         (Field("channels", "Channels each", "2"),)),
    Form("resample", "Resample", "Straight lines between points onto an even axis: neighbours correlate.",
         (Field("step", "Step / eV", "0.1"), Field("low", "From / eV", empty="first point"),
          Field("high", "to / eV", empty="last point"))),
    Form("transmission", "Divide by transmission",
         "By the file's transmission function, relative to its mean; it is not applied again in quantification. The "
         "counts are no longer Poisson: better left to quantification."),
    Form("charge_state", "Charge neutraliser", "How the sample was charged; each state has its own charge reference.",
         (Field("state", "State", choices=tuple((s, s) for s in ("neutraliser on", "neutraliser off"))),)),
    Form("sign", "Change the sign", "For detectors that count downwards."),
)
OF_KIND = {form.kind: form for form in FORMS}


class StepForm(QWidget):
    """Choice of a kind of step and its fields.

    Signals
    -------
    changed()
        Another kind is shown.
    """

    changed = Signal()

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.document = document
        self.kind = QComboBox()
        self.kind.setAccessibleName("Kind of step")
        for form in FORMS:
            self.kind.addItem(form.title, form.kind)
        self.fields: dict[str, QLineEdit | QComboBox] = {}
        self.for_all = QCheckBox()
        self.for_all.setAccessibleName("For all chosen spectra")
        self._holder = QWidget()
        self._tip = muted("")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP_2)
        layout.addWidget(self.kind)
        layout.addWidget(self._holder)
        layout.addWidget(self._tip)
        layout.addWidget(self.for_all)
        self.kind.currentIndexChanged.connect(lambda _: self._build())
        self._build()

    @property
    def form(self) -> Form:
        """The form that is shown."""
        return OF_KIND[self.kind.currentData()]

    def _build(self) -> None:
        form = self.form
        holder = QWidget()
        rows = QFormLayout(holder)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.fields = {}
        for field in form.fields:
            widget: QLineEdit | QComboBox
            if field.choices:
                widget = QComboBox()
                for key, words in field.choices:
                    widget.addItem(words, key)
            else:
                widget = QLineEdit(field.start)
                widget.setPlaceholderText(field.empty)
            widget.setAccessibleName(f"{form.title}: {field.label}")
            self.fields[field.name] = widget
            rows.addRow(field.label, widget)
        self.layout().replaceWidget(self._holder, holder)
        self._holder.hide()
        self._holder.deleteLater()
        self._holder = holder
        self._tip.setText(form.tip)
        anode = self.fields.get("anode")
        if isinstance(anode, QComboBox):
            anode.currentIndexChanged.connect(lambda _: self._fill_satellites())
            self._fill_satellites()
        self.suggest()
        self.changed.emit()

    def _fill_satellites(self) -> None:
        anode, lines = self.fields["anode"], self.fields["lines"]
        if isinstance(anode, QComboBox) and isinstance(lines, QLineEdit):
            lines.setText(satellites_step(anode.currentData()).text("lines"))
            lines.setCursorPosition(0)

    def suggest(self) -> None:
        """Ends of the shown region or spectrum as what an empty range means."""
        spectrum, form = self.document.spectrum(), self.form
        if spectrum is None or form.kind not in ("crop", "background"):
            return
        fit = self.document.fit
        ends = fit.model.region if fit is not None else (float(spectrum.x[0]), float(spectrum.x[-1]))
        for name, end in zip(("low", "high"), ends, strict=True):
            widget = self.fields[name]
            if isinstance(widget, QLineEdit):
                widget.setPlaceholderText(plain(end, 2))

    def show_chosen(self, count: int) -> None:
        """Offer to treat all chosen spectra."""
        self.for_all.setVisible(count > 1)
        self.for_all.setText(f"for all {count} chosen spectra")
        if count < 2:
            self.for_all.setChecked(False)

    # -- reading and writing ------------------------------------------------------------------------------------

    def step(self, recipe: Recipe, note: str = "") -> Step:
        """The step that the form describes.

        Parameters
        ----------
        recipe : Recipe
            Of the shown spectrum: spikes are looked for in the raw data in front of it.
        """
        form, params = self.form, []
        for field in form.fields:
            widget = self.fields[field.name]
            if isinstance(widget, QComboBox):
                params.append((field.name, widget.currentData()))
                continue
            typed = widget.text().strip()
            if not typed and field.optional:
                continue
            typed = typed or widget.placeholderText()
            params.append((field.name, typed if field.text else parse_number(typed, field.label.split(" /")[0])))
        step = Step(form.kind, tuple(params), note)
        checked: dict[str, Callable[[Step, Recipe], Step]] = {"spikes": self._spikes, "satellites": _satellites}
        return checked[form.kind](step, recipe) if form.kind in checked else step

    def _spikes(self, step: Step, recipe: Recipe) -> Step:
        entry = self.document.entry
        if entry is None:
            raise BadData("No spectrum is shown")
        front = recipe.without_kind("spikes")
        raw = Recipe(front.steps[: front.front]).apply(entry.spectrum)
        threshold = step.number("threshold")
        found = find_spikes(raw, threshold)
        if not found:
            raise BadData(f"No channel stands out by more than {threshold:g} σ", where=entry.title)
        return spikes_step(found, threshold)

    def show_step(self, step: Step) -> bool:
        """Fill the form from a step; False where it is of a kind without a form."""
        if step.kind not in OF_KIND:
            return False
        at = self.kind.findData(step.kind)
        if at != self.kind.currentIndex():
            self.kind.setCurrentIndex(at)
        values = dict(step.params)
        for field in self.form.fields:
            widget, value = self.fields[field.name], values.get(field.name, "")
            if isinstance(widget, QComboBox):
                widget.setCurrentIndex(max(widget.findData(value), 0))
            else:
                widget.setText(value if isinstance(value, str) else plain(value, 6))
        return True


def _satellites(step: Step, recipe: Recipe) -> Step:
    del recipe
    lines = parse_lines(step.text("lines"))
    known = satellites_step(step.text("anode"))
    own = lines != parse_lines(known.text("lines"))
    return replace(step, note="energies and heights given by you" if own else known.note)


def step_words(step: Step) -> str:
    """A step of a recipe in words."""
    values = dict(step.params)
    words: dict[str, Callable[[], str]] = {
        "energy_shift": lambda: f"Energy shift {step.number('shift'):+.3f} eV".replace("-", "−"),
        "energy_scale": lambda: f"Energy scale: {values['measured_1']:g} → {values['true_1']:g}, "
                                f"{values['measured_2']:g} → {values['true_2']:g} eV",
        "crop": lambda: f"Keep {values['low']:g} to {values['high']:g} eV",
        "photon_energy": lambda: f"Photon energy {values['photon_energy']:g} eV" + (
            ", axis turned into binding energy" if "work_function" in values else ""),
        "noise": lambda: _noise_words(step),
        "normalise": lambda: f"Normalise {_MODES[step.text('mode')]}" + (
            f" {values['factor']:g}" if values["mode"] == "factor" else ""),
        "unit": lambda: f"Convert to {values['to']}",
        "spikes": lambda: f"Take out {len(step.text('channels').split())} spikes above {values['threshold']:g} σ",
        "satellites": lambda: f"Take out X-ray satellites of {values['anode']}",
        "background": lambda: f"Subtract {_BACKGROUNDS[step.text('background', 'shirley')]}, "
                              f"{values['low']:g} to {values['high']:g} eV",
        "smooth": lambda: f"Smooth: {values['points']:g} points, order {values['order']:g}",
        "rebin": lambda: f"Join {values['channels']:g} channels each",
        "resample": lambda: f"Resample to steps of {values['step']:g} eV",
        "transmission": lambda: "Divide by the transmission function",
        "charge_state": lambda: f"Charge: {values['state']}",
        "sign": lambda: "Change the sign",
        "sum_sweeps": lambda: "Align and add the sweeps" if step.text("shifts") else "Add the sweeps",
    }
    try:
        return words[step.kind]() if step.kind in words else step.kind.replace("_", " ")
    except (KeyError, ValueError, TypeError):
        return f"{step.kind.replace('_', ' ')} (damaged)"


def _noise_words(step: Step) -> str:
    kind = step.text("kind")
    if kind == "poisson" and step.has("gain"):
        return f"Noise: poisson, gain {step.number('gain'):.4g}"
    return f"Noise: {kind}" + (", scale unknown" if kind == "poisson" else "")
