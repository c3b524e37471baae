"""The Layers panel: thickness of an overlayer, order in depth, layered structures."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QComboBox, QFormLayout, QLabel, QLineEdit, QWidget

from app.gui.document import Document
from app.gui.panels.base import Panel, button, heading, muted, row
from app.gui.panels.numbers import parse_number, plain
from app.gui.panels.stack_table import StackTable
from app.gui.panels.tables import Cell, Column, Row, RowsModel, RowsView
from app.gui.panels.thickness_part import NM, ThicknessPart
from app.gui.tasks import Cancel, Progress, Task, Tasks
from app.numerals import with_error
from app.project import layers
from app.project.project import Layering, Project, Sample
from fitting.result import FitResult
from fitting.xps.layers import DepthOrder, Stack, StackLayer
from libraries.attenuation import materials
from libraries.errors import BadData, SodaliteError

DELAY = 200  # ms: a burst of edits is one computation


@dataclass(frozen=True, eq=False)
class Answer:
    """What was worked out: results, or the sentence that says why there is none."""

    names: tuple[str, ...]
    angles: tuple[layers.Level, ...]
    thickness: layers.Thickness | str
    order: DepthOrder | str


def answer(project: Project, sample: str) -> Answer:
    """Everything that the page shows without being asked."""
    found = layers.levels(project, sample)
    results: list[object] = []
    for work in (layers.overlayer, layers.depth_order):
        try:
            results.append(work(project, sample))
        except SodaliteError as error:
            results.append(str(error))
    names = tuple(dict.fromkeys(name for level in found for name in layers.quantities(level.composition)))
    return Answer(names, found, results[0], results[1])  # type: ignore[arg-type]


class LayersPanel(Panel):
    """Settings and results of the layers of the shown sample."""

    def __init__(self, document: Document, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(document, "Layers", parent)
        self.tasks = tasks
        self._task: Task | None = None
        self._known: Sample | None = None
        self._results: list[FitResult | None] = []
        self.answer: Answer | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DELAY)
        self._timer.timeout.connect(self._compute)
        self.title = heading("Overlayer")
        self.body.addWidget(self.title)
        self._build_form()
        self.depth = ThicknessPart()
        self.table(self.depth.rows)
        self.body.addWidget(self.depth)
        self._build_order()
        self._build_stack()
        self.body.addStretch(1)
        self.ready()

    # -- building -----------------------------------------------------------------------------------------------

    def _build_form(self) -> None:
        self.overlayer, self.substrate = self._choice("Line of the overlayer"), self._choice("Line of the substrate")
        self.overlayer_material = self._materials("Material of the overlayer")
        self.substrate_material = self._materials("Material of the substrate")
        self.angle, self.pure = QLineEdit(), QLineEdit()
        self.angle.setAccessibleName("Emission angle in degrees from the surface normal")
        self.pure.setAccessibleName("Ratio of the two lines of the pure materials")
        self.pure.setToolTip("I(overlayer)/I(substrate) of the pure materials, areas divided by s, L and T; "
                             "empty: from their densities and λ")
        self.pure.setPlaceholderText("from densities and λ")
        self.angle.editingFinished.connect(self._set_angle)
        self.pure.editingFinished.connect(self._set_pure)
        for combo, field in (
            (self.overlayer, "overlayer"), (self.substrate, "substrate"),
            (self.overlayer_material, "overlayer_material"), (self.substrate_material, "substrate_material"),
        ):
            combo.activated.connect(lambda _, c=combo, f=field: self._set(f, str(c.currentData() or "")))
        form = QFormLayout()
        for words, line, solid in (
            ("Overlayer", self.overlayer, self.overlayer_material),
            ("Substrate", self.substrate, self.substrate_material),
        ):
            both = row(line, QLabel("in"), solid, stretch=False)
            both.setStretch(0, 3)
            both.setStretch(2, 4)
            form.addRow(words, both)
        form.addRow("Emission angle / °", self.angle)
        form.addRow("Ratio of the pure", self.pure)
        self.body.addLayout(form)

    def _choice(self, name: str) -> QComboBox:
        combo = QComboBox()
        combo.setAccessibleName(name)
        combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        combo.setMinimumContentsLength(8)
        return combo

    def _materials(self, name: str) -> QComboBox:
        combo = self._choice(name)
        combo.addItem("choose material", "")
        for item in materials():
            combo.addItem(item.name + ("" if item.verified else "  (unverified)"), item.name)
        return combo

    def _build_order(self) -> None:
        self.body.addWidget(heading("Order in depth"))
        self.order_words = muted("")
        self.order = self.table(RowsModel((
            Column("From the surface down"), Column("Depth index", "ln of the signal at the largest emission angle "
                                                    "over that at the smallest, less the mean of all"),
            Column("", "Neighbours that the data cannot put in order"),
        )))
        self.order_view = RowsView(self.order, "Order in depth")
        self.body.addWidget(self.order_words)
        self.body.addWidget(self.order_view)

    def _build_stack(self) -> None:
        self.body.addWidget(heading("Layered structure"))
        self.body.addWidget(muted(
            "Layers from the surface down, the substrate last. Each line stands in one layer. "
            "Thicknesses and amounts are fitted to all angles."
        ))
        self.stack = StackTable()
        self.stack.changed.connect(self._set_layer)
        self.stack.refused.connect(self.say)
        self.body.addWidget(self.stack)
        self.fit_button = button(
            "Fit the layers", "Thicknesses and amounts from all angles", self.fit_stack, sign="fit"
        )
        self.body.addLayout(row(
            button("Add layer", "Another layer above the substrate", self._add_layer),
            button("Remove layer", "Take the lowest layer above the substrate away", self._remove_layer),
            self.fit_button,
        ))
        self.stack_words = muted("")
        self.stack_words.setAccessibleName("Result of the layered structure")
        self.body.addWidget(self.stack_words)

    # -- showing ------------------------------------------------------------------------------------------------

    def _sample(self) -> str | None:
        entry = self.document.entry
        return entry.sample if entry is not None else None

    def refresh(self) -> None:
        """Show the settings at once, and the results when they are worked out."""
        sample = self._sample()
        self.setEnabled(sample is not None)
        if sample is None:
            return
        project = self.document.project
        # Results follow from the fits and settings of this sample alone.
        results = [fit.result for entry in project.entries_of(sample) for fit in entry.fits]
        known = project.sample(sample)
        same = len(results) == len(self._results) and all(a is b for a, b in zip(results, self._results, strict=True))
        if same and known == self._known:
            self._show_settings()
            return
        if self._known is None or self._known.id != sample:
            self.answer = None
            self.stack_words.setText("")
        self._known, self._results = known, results
        self._show()
        self._timer.start()

    def _compute(self) -> None:
        sample = self._sample()
        if sample is None:
            return
        if self._task is not None:
            self._task.cancel()
        project = self.document.project
        self._task = self.tasks.run(
            lambda progress, cancel: answer(project, sample), self._take, self._fail, title="Layers", quiet=True
        )

    def _take(self, found: Answer) -> None:
        self.answer = found
        self.say("")
        self._show()

    def _fail(self, error: BaseException) -> None:
        self.answer = None
        self._show()
        self.depth.remarks.setText(str(error) if isinstance(error, SodaliteError) else f"{error}")

    def _settings(self) -> Layering:
        sample = self._sample()
        return self.document.project.sample(sample).layering if sample is not None else Layering()

    def _show(self) -> None:
        self._show_settings()
        self.depth.show_thickness(self.answer.thickness if self.answer is not None else "")
        self._show_order()

    def _show_settings(self) -> None:
        settings = self._settings()
        names = self.answer.names if self.answer is not None else ()
        for combo, chosen in ((self.overlayer, settings.overlayer), (self.substrate, settings.substrate)):
            shown = [str(combo.itemData(i)) for i in range(1, combo.count())]
            wanted = [*names, *([chosen] if chosen and chosen not in names else [])]
            if shown != wanted or not combo.count():
                combo.clear()
                combo.addItem("choose line", "")
                for name in wanted:
                    combo.addItem(name, name)
            combo.setCurrentIndex(max(combo.findData(chosen), 0))
        for combo, chosen in (
            (self.overlayer_material, settings.overlayer_material),
            (self.substrate_material, settings.substrate_material),
        ):
            combo.setCurrentIndex(max(combo.findData(chosen), 0))
        origins = {level.origin for level in self.answer.angles} if self.answer is not None else {"given"}
        told = self.answer is not None and "given" not in origins
        if told and self.answer is not None:
            self.angle.setText(", ".join(f"{level.angle:g}" for level in self.answer.angles))
        elif not self.angle.hasFocus():
            self.angle.setText("" if settings.emission_angle is None else plain(settings.emission_angle))
        self.angle.setReadOnly(told)
        self.angle.setToolTip("From the file" if told else "From the surface normal; the file records none")
        if not self.pure.hasFocus():
            self.pure.setText("" if settings.pure_ratio is None else plain(settings.pure_ratio, 4))
        self.stack.show_layers(settings.stack, names)

    def _show_order(self) -> None:
        found = self.answer.order if self.answer is not None else ""
        seen = isinstance(found, DepthOrder)
        self.order_view.setVisible(seen)
        if not isinstance(found, DepthOrder):
            self.order_words.setText(found)
            return
        self.order_words.setText(
            f"From {found.angles[0]:g}° against {found.angles[1]:g}°: what gains most lies highest. "
            "Compare lines of like kinetic energy: slow electrons show less depth at any angle."
        )
        together = {a for a, _ in found.together}
        self.order.set_rows([
            Row(name, (Cell(name), Cell(with_error(index, error)),
                       Cell("not to be told from the next" if name in together else "")))
            for name, index, error in zip(found.names, found.index, found.error, strict=True)
        ])
        self.order_view.fit_height(2, 12)
        self.order_view.fit_columns(range(3))

    # -- editing ------------------------------------------------------------------------------------------------

    def _change(self, text: str, **changes: object) -> None:
        sample = self._sample()
        if sample is None:
            return
        project = self.document.project
        before = project.sample(sample)
        after = replace(before, layering=replace(before.layering, **changes))  # type: ignore[arg-type]
        if after != before:
            self.document.apply(text, project.with_sample(after))

    def _set(self, field: str, value: str) -> None:
        words = {"overlayer": "Overlayer", "substrate": "Substrate", "overlayer_material": "Material of the overlayer",
                 "substrate_material": "Material of the substrate"}
        self._change(f"{words[field]}: {value or 'none'}", **{field: value})

    def _set_angle(self) -> None:
        if self.angle.isReadOnly():
            return
        text = self.angle.text().strip().removesuffix("°")

        def take() -> None:
            value = parse_number(text, "The emission angle") if text else None
            if value is not None and not 0 <= value < 90:
                raise BadData("The emission angle must lie between 0 and 90 degrees", where=text)
            self._change(f"Emission angle {text or 'not given'}", emission_angle=value)

        self.attempt(take)

    def _set_pure(self) -> None:
        text = self.pure.text().strip()

        def take() -> None:
            value = parse_number(text, "The ratio of the pure materials") if text else None
            if value is not None and value <= 0:
                raise BadData("The ratio of the pure materials must be above zero", where=text)
            self._change(f"Ratio of the pure materials {text or 'from densities'}", pure_ratio=value)

        self.attempt(take)

    def _set_stack(self, value: object) -> None:
        self._change("Layered structure", stack=value)

    def _set_layer(self, at: int, layer: StackLayer) -> None:
        before = self._settings().stack
        if at < len(before):
            self._set_stack((*before[:at], layer, *before[at + 1 :]))

    def _add_layer(self) -> None:
        self._set_stack(self.stack.with_layer(self._settings().stack))

    def _remove_layer(self) -> None:
        self._set_stack(self.stack.without_layer(self._settings().stack))

    def fit_stack(self) -> None:
        """Fit the supposed structure."""
        sample, project = self._sample(), self.document.project
        if sample is None:
            return

        def work(progress: Progress, cancel: Cancel) -> Stack:
            return layers.structure(project, sample)

        self.tasks.run(work, self._take_stack, self._fail_stack, title="Fit the layers")

    def _fail_stack(self, error: BaseException) -> None:
        self.stack_words.setText(str(error))

    def _take_stack(self, found: Stack) -> None:
        lines = []
        for i, layer in enumerate(found.layers):
            inside = ", ".join(
                f"{name} {with_error(100 * found.amounts[name][0], 100 * found.amounts[name][1])} %"
                for name in layer.species
            )
            if i == len(found.layers) - 1:
                depth = "substrate"
            elif math.isfinite(found.error[i]):
                depth = f"{with_error(NM * found.thickness[i], NM * found.error[i])} nm"
            else:
                depth = "not determined"
            lines.append(f"{layer.material}: {depth}  ({inside})")
        lines.append(f"χ² {found.chi2:.3g} for {found.dof} degrees of freedom")
        self.stack_words.setText("\n".join([*lines, *found.warnings]))

