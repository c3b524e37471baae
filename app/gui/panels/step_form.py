"""The fields of a processing step: which numbers it takes, read from the form and written into it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QLineEdit, QVBoxLayout, QWidget

from app.gui.document import Document
from app.gui.panels.base import muted
from app.gui.panels.forms import BACKGROUNDS, METHODS, MODES, Form, offered
from app.gui.panels.numbers import parse_number, plain
from app.gui.theme import GAP_2
from app.project.project import Entry
from fitting.model import Curve
from fitting.processing.align import align_step, positions
from fitting.processing.detector import curve_of
from fitting.processing.energy_axis import known_lines, scale_of
from fitting.processing.image_spikes import find_image_spikes, image_spikes_step
from fitting.processing.satellites import parse_lines, satellites_step
from fitting.processing.spikes import find_spikes, spikes_step
from fitting.recipe import Recipe, Step
from libraries.errors import BadData, BadModel


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
        self._kept: tuple[Curve, ...] = ()
        self._offered: dict[str, Form] = {}
        self._offer()
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
        self.kind.currentIndexChanged.connect(lambda _: self._kind_chosen())
        self._build()

    @property
    def form(self) -> Form:
        """The form that is shown."""
        return self._offered[self.kind.currentData()]

    def _offer(self) -> None:
        """The kinds of steps that there are for the shown spectrum."""
        forms = offered(self.document.entry)
        if forms == self._offered:
            return
        before, old = self.kind.currentData(), self._offered
        self._offered = forms
        self.kind.blockSignals(True)
        self.kind.clear()
        for form in forms.values():
            self.kind.addItem(form.title, form.kind)
        self.kind.setCurrentIndex(max(self.kind.findData(before), 0))
        self.kind.blockSignals(False)
        if before is not None and self.form != old[before]:
            self._kind_chosen()

    def _kind_chosen(self) -> None:
        self._kept = ()
        self._build()

    def _build(self) -> None:
        form = self.form
        holder = QWidget()
        rows = QFormLayout(holder)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.fields = {}
        for field in form.fields:
            widget: QLineEdit | QComboBox
            if field.curve:
                widget = self._spectra(field.empty)
            elif field.choices:
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

    def _spectra(self, empty: str) -> QComboBox:
        """A list of the energy-loss spectra of the project; what a step keeps already comes first."""
        box = QComboBox()
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        for number, curve in enumerate(self._kept):
            box.addItem(f"as kept: {curve.name or 'measured curve'}", number)
        if empty:
            box.addItem(empty, "")
        for entry in self.document.project.entries:
            if entry.spectrum.axis.quantity == "energy_loss":
                box.addItem(entry.title, entry.id)
        return box

    def _fill_satellites(self) -> None:
        anode, lines = self.fields["anode"], self.fields["lines"]
        if isinstance(anode, QComboBox) and isinstance(lines, QLineEdit):
            lines.setText(satellites_step(anode.currentData()).text("lines"))
            lines.setCursorPosition(0)

    def suggest(self) -> None:
        """Ends of the shown region or spectrum as what an empty range means."""
        self._offer()
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
        form, params, curves = self.form, [], []
        for field in form.fields:
            widget = self.fields[field.name]
            if field.curve:
                assert isinstance(widget, QComboBox)
                if widget.currentData() not in ("", None):
                    curves.append((field.name, self._curve(widget.currentData())))
                continue
            if isinstance(widget, QComboBox):
                params.append((field.name, widget.currentData()))
                continue
            typed = widget.text().strip()
            if not typed and field.optional:
                continue
            typed = typed or widget.placeholderText()
            params.append((field.name, typed if field.text else parse_number(typed, field.label.split(" /")[0])))
        step = Step(form.kind, tuple(params), note)
        if any(field.curve for field in form.fields):
            return _with_curves(step, dict(curves))
        checked: dict[str, Callable[[Step, Recipe], Step]] = {
            "spikes": self._spikes, "satellites": _satellites, "image_spikes": self._image_spikes,
            "align": self._align, "loss_scale": _loss_scale,
        }
        return checked[form.kind](step, recipe) if form.kind in checked else step

    def _spikes(self, step: Step, recipe: Recipe) -> Step:
        entry = self._entry()
        front = recipe.without_kind("spikes")
        raw = Recipe(front.steps[: front.front]).apply(entry.spectrum)
        threshold = step.number("threshold")
        found = find_spikes(raw, threshold)
        if not found:
            raise BadData(f"No channel stands out by more than {threshold:g} σ", where=entry.title)
        return spikes_step(found, threshold)

    @staticmethod
    def _show_kept(box: QComboBox, name: str, step: Step) -> None:
        """Choose what the step keeps for this field."""
        vacuum = step.text("method") == "vacuum reference"
        number = 0 if name == "vacuum" else len(step.curves) - 1
        there = bool(step.curves) and (name != "vacuum" or vacuum)
        box.setCurrentIndex(max(box.findData(number if there else ""), 0))

    def _entry(self) -> Entry:
        entry = self.document.entry
        if entry is None:
            raise BadData("No spectrum is shown")
        return entry

    def _curve(self, key: object) -> Curve:
        """A curve that the step keeps already, or a spectrum of the project as it is after its recipe."""
        if isinstance(key, int):
            return self._kept[key]
        entry = self.document.project.entry(str(key))
        return curve_of(entry.single(), entry.title)

    def _image_spikes(self, step: Step, recipe: Recipe) -> Step:
        entry, front = self._entry(), recipe.without_kind("image_spikes")
        raw = Recipe(front.steps[: front.front]).apply(entry.spectrum)
        threshold = step.number("threshold")
        found = find_image_spikes(raw, threshold)
        if not found:
            raise BadData(f"No channel stands out by more than {threshold:g} σ", where=entry.title)
        return image_spikes_step(raw, found, threshold)

    def _align(self, step: Step, recipe: Recipe) -> Step:
        """Shifts as they are found in the spectra in front of the step."""
        kinds = [one.kind for one in recipe.steps]
        before = Recipe(recipe.steps[: kinds.index("align")] if "align" in kinds else recipe.steps)
        spectrum = before.apply(self._entry().spectrum)
        window = (step.number("search_low"), step.number("search_high")) if step.has("search_low") and step.has(
            "search_high") else None
        found = positions(spectrum, window)
        note = f"{found.missing} without a measurable peak" if found.missing else "zero loss of every spectrum"
        return align_step(spectrum, found.filled(), method=step.text("method"), note=note)

    def show_step(self, step: Step) -> bool:
        """Fill the form from a step; False where it is of a kind without a form."""
        at = self.kind.findData(step.kind)
        if at < 0:
            return False
        if at != self.kind.currentIndex():
            self.kind.setCurrentIndex(at)
        if step.curves or self._kept:
            self._kept = step.curves
            self._build()
        values = dict(step.params)
        for field in self.form.fields:
            widget, value = self.fields[field.name], values.get(field.name, "")
            if field.curve:
                assert isinstance(widget, QComboBox)
                self._show_kept(widget, field.name, step)
                continue
            if isinstance(widget, QComboBox):
                widget.setCurrentIndex(max(widget.findData(value), 0))
            else:
                widget.setText(value if isinstance(value, str) else plain(value, 6))
        return True


def _with_curves(step: Step, curves: dict[str, Curve]) -> Step:
    """The step with its curves in the order in which it takes them: a vacuum measurement first."""
    if step.kind == "richardson_lucy":
        curve = curves.get("curve")
        if curve is not None and step.has("reach"):
            curves["curve"] = _within(curve, step.number("reach"))
    method = step.text("method")
    if method == "vacuum reference" and "vacuum" not in curves:
        raise BadModel("The vacuum measurement is missing", todo="Choose the spectrum")
    if method == "power law" and not step.has("low"):
        raise BadModel("A power law needs the start of its window", todo="Type where it begins")
    if step.kind != "zero_loss" and step.kind != "fourier_log" and "curve" not in curves:
        raise BadModel("The measured spectrum is missing", todo="Choose it in the list")
    names = ("vacuum", "curve") if method == "vacuum reference" else ("curve",)
    return replace(step, curves=tuple(curves[name] for name in names if name in curves))


def _within(curve: Curve, reach: float) -> Curve:
    """The part of a curve within `reach` of 0 eV."""
    kept = [(x, y) for x, y in zip(curve.x, curve.y, strict=True) if abs(x) <= reach]
    if len(kept) < 4:
        raise BadModel("The measured peak holds fewer than four channels", where=f"within {reach:g} eV")
    return Curve(tuple(x for x, _ in kept), tuple(y for _, y in kept), curve.name)


def _loss_scale(step: Step, recipe: Recipe) -> Step:
    del recipe
    scale_of(*known_lines(step))
    return step


def _satellites(step: Step, recipe: Recipe) -> Step:
    del recipe
    lines = parse_lines(step.text("lines"))
    known = satellites_step(step.text("anode"))
    own = lines != parse_lines(known.text("lines"))
    return replace(step, note="energies and heights given by you" if own else known.note)


def step_words(step: Step, unit: str = " eV") -> str:
    """A step of a recipe in words; `unit` of the axis stands behind its numbers."""
    values = dict(step.params)
    words: dict[str, Callable[[], str]] = {
        "energy_shift": lambda: f"Energy shift {step.number('shift'):+.3f} eV".replace("-", "−"),
        "energy_scale": lambda: f"Energy scale: {values['measured_1']:g} → {values['true_1']:g}, "
                                f"{values['measured_2']:g} → {values['true_2']:g} eV",
        "crop": lambda: f"Keep {values['low']:g} to {values['high']:g}{unit}",
        "photon_energy": lambda: f"Photon energy {values['photon_energy']:g} eV" + (
            ", axis turned into binding energy" if "work_function" in values else ""),
        "noise": lambda: _noise_words(step),
        "normalise": lambda: f"Normalise {MODES[step.text('mode')]}" + (
            f" {values['factor']:g}" if values["mode"] == "factor" else ""),
        "unit": lambda: f"Convert to {values['to']}",
        "spikes": lambda: f"Take out {len(step.text('channels').split())} spikes above {values['threshold']:g} σ",
        "satellites": lambda: f"Take out X-ray satellites of {values['anode']}",
        "background": lambda: f"Subtract {BACKGROUNDS[step.text('background', 'shirley')]}, "
                              f"{values['low']:g} to {values['high']:g} eV",
        "smooth": lambda: f"Smooth: {values['points']:g} points, order {values['order']:g}",
        "rebin": lambda: f"Join {values['channels']:g} channels each",
        "resample": lambda: f"Resample to steps of {values['step']:g} eV",
        "transmission": lambda: "Divide by the transmission function",
        "charge_state": lambda: f"Charge: {values['state']}",
        "sign": lambda: "Change the sign",
        "image_spikes": lambda: f"Take out {values['count']:.0f} spikes above {values['threshold']:g} σ",
        "microscope": lambda: _microscope_words(step),
        "align": lambda: f"Align the zero loss {'between channels' if values['method'] == 'linear' else 'by channels'}",
        "loss_scale": lambda: "Calibrate: " + ", ".join(
            f"{m:g} → {t:g} eV" for m, t in zip(*known_lines(step), strict=True)),
        "dead_time": lambda: f"Correct dead time: {values['channels']:g} channels, {values['pulses']:.6g} pulses",
        "ion_dead_time": lambda: f"Correct dead time of whole lines: {values['pulses']:.6g} pulses a point",
        "ion_names": lambda: f"Name {len(step.text('names').splitlines())} ions anew",
        "mass_scale": lambda: f"m/z: SF {values['slope']:.3f}, K0 {values['offset']:.2f} channels".replace("-", "−"),
        "dark": lambda: f"Subtract {_curve_name(step)}, × {values['factor']:g}",
        "gain_reference": lambda: f"Divide by {_curve_name(step)}",
        "crop_image": lambda: "Keep " + ", ".join(
            f"{name} {values.get(f'{name}_from', 1):.0f} to {values[f'{name}_to']:.0f}" if f"{name}_to" in values
            else f"{name} from {values[f'{name}_from']:.0f}"
            for name in ("scans", "columns", "rows") if f"{name}_from" in values or f"{name}_to" in values),
        "bin_image": lambda: _join_words(values),
        "scan_drift": lambda: f"Drift of {len(step.text('rows').split())} scans corrected",
        "topography": lambda: "Topography made flat",
        "mass_shift": lambda: "Masses of every pixel aligned",
        "zero_loss": lambda: f"Remove zero loss: {METHODS[step.text('method')]}, losses from {values['limit']:g} eV",
        "fourier_log": lambda: f"Fourier-log: zero loss {METHODS[step.text('method')]} up to {values['limit']:g} eV",
        "fourier_ratio": lambda: f"Fourier-ratio by {step.curves[-1].name}",
        "richardson_lucy": lambda: f"Richardson–Lucy by {_curve_name(step)}, {values['iterations']:g} iterations",
        "sum_sweeps": lambda: "Align and add the sweeps" if step.text("shifts") else "Add the sweeps",
    }
    try:
        return words[step.kind]() if step.kind in words else step.kind.replace("_", " ")
    except (KeyError, ValueError, TypeError):
        return f"{step.kind.replace('_', ' ')} (damaged)"


def _join_words(values: dict[str, object]) -> str:
    """What is joined: pixels, scans (of a profile its points), or both."""
    columns, rows, scans = (float(values.get(name, 1)) for name in ("columns", "rows", "scans"))  # type: ignore[arg-type]
    pixels = f"{columns:.0f} × {rows:.0f} pixels" if "columns" in values or "rows" in values else ""
    if "scans" not in values or (scans == 1 and pixels):
        return f"Join {pixels}"
    return f"Join {scans:.0f} scans" + (f", {pixels}" if columns * rows > 1 else "")


def _curve_name(step: Step) -> str:
    return step.curves[-1].name or "measured curve" if step.curves else "nothing"


def _microscope_words(step: Step) -> str:
    units = {"beam_energy": ("beam", "keV"), "convergence_angle": ("convergence", "mrad"),
             "collection_angle": ("collection", "mrad")}
    return "Microscope: " + ", ".join(f"{units[name][0]} {value:g} {units[name][1]}" for name, value in step.params)


def _noise_words(step: Step) -> str:
    kind = step.text("kind")
    if kind == "poisson" and step.has("gain"):
        return f"Noise: poisson, gain {step.number('gain'):.4g}"
    return f"Noise: {kind}" + (", scale unknown" if kind == "poisson" else "")
