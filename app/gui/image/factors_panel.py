"""The Factors page: how many different spectra an image, profile or cube is made of, which, and how much of each."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QLabel, QLineEdit, QSpinBox, QVBoxLayout, QWidget

from app.gui.document import Document
from app.gui.image.factor_words import AMBIGUITY, BANDS, METHODS, TIP
from app.gui.panels.base import Panel, button, heading, muted, row
from app.gui.panels.fold import Fold
from app.gui.panels.numbers import parse_number, plain
from app.gui.panels.tables import Cell, Column, Row, RowsModel, RowsView
from app.gui.plot.small_plot import SmallPlot
from app.gui.sims.factor_ions import IonChoice
from app.gui.sims.factor_result import IonResult
from app.gui.sims.factor_rules import FactorRules
from app.gui.sims.factor_together import TogetherChoice
from app.gui.tasks import Cancel, Progress, Task, Tasks
from app.project import factor_analysis
from app.project.rank_words import rank_words
from fitting.factors.analysis import MOST_FACTORS, Factors, Method, number_of_factors
from fitting.factors.constraints import NONE
from fitting.factors.kept import KeptFactors
from fitting.factors.ranks import RankTests
from libraries.errors import BadData


class FactorsPanel(Panel):
    """Factor analysis of the shown image.

    Signals
    -------
    map_wanted(str)
        Id of the map that is to be seen.
    """

    map_wanted = Signal(str)

    def __init__(self, document: Document, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(document, "Factors", parent)
        self.tasks = tasks
        self._task: Task | None = None
        self._tests: tuple[str, RankTests] | None = None
        self._wanted = ""  # id of the analysis to be shown
        self._followed = ""  # id of the one whose number of factors is offered
        self._drawn: tuple[object, ...] = ()
        self._build_setup()
        self._build_ions()
        self._build_result()
        self.body.addStretch(1)
        self.ready()

    # -- building -----------------------------------------------------------------------------------------------

    def _build_setup(self) -> None:
        self.method = QComboBox()
        self.method.setAccessibleName("Method")
        for key, words in METHODS:
            self.method.addItem(words, key)
        self.number = QSpinBox()
        self.number.setRange(1, MOST_FACTORS)
        self.number.setValue(3)
        self.number.setAccessibleName("Number of factors")
        self.low, self.high = QLineEdit(), QLineEdit()
        for field, name in ((self.low, "Range from"), (self.high, "Range to")):
            field.setMaximumWidth(90)
            field.setAccessibleName(f"{name}, eV")
        self.poisson = QCheckBox("Scale counts for even noise")
        self.poisson.setChecked(True)
        self.poisson.setToolTip(TIP)
        self.ask = button("How many?", "Tests of the number of factors, side by side", self.ask_number)
        self.go = button("Find factors", "Find the factors of all pixels", self.find, primary=True)
        self.answers = self.table(RowsModel((Column("Test"), Column("Factors", "", True))))
        self.answers_view = RowsView(self.answers, "Tests of the number of factors")
        self.answers_view.set_widths((350, 120))
        self.scree = SmallPlot("Singular values over the largest of noise", "Factor",
                               "log₁₀ (value / noise)", self)
        self.scree.setFixedHeight(150)
        self._range = (QLabel("Range / eV"), self.low, QLabel("to"), self.high)
        self.body.addWidget(self.method)
        self.body.addLayout(row(QLabel("Factors"), self.number, *self._range))
        self.body.addWidget(self.poisson)
        self._folds = QVBoxLayout()
        self.body.addLayout(self._folds)
        self.body.addLayout(row(self.go, self.ask))
        self.body.addWidget(self.answers_view)
        self.body.addWidget(self.scree)

    def _build_ions(self) -> None:
        """What only profiles and cubes of ions have."""
        self.ions, self.rules = IonChoice(), FactorRules()
        self.bands = QCheckBox("Bands: how far the factors can be turned without a worse fit")
        self.bands.setChecked(True)
        self.bands.setToolTip(BANDS)
        self.together = TogetherChoice()
        self._ion_parts: tuple[QWidget, ...] = (
            Fold("Ions", self.ions), Fold("Constraints", self.rules), Fold("Together with", self.together), self.bands,
        )
        for widget in self._ion_parts:
            self._folds.addWidget(widget)
        self.ion_result = IonResult(self._models)
        self.ion_result.renamed.connect(self._rename)
        self.ion_result.chosen.connect(self._show_map)
        self.method.activated.connect(lambda _: self.refresh())

    def _build_result(self) -> None:
        self.title = heading("Found")
        self.chosen = QComboBox()
        self.chosen.setAccessibleName("Factor analysis")
        self.chosen.activated.connect(self._choose)
        self.figures = muted("")
        self.factors = self.table(RowsModel((
            Column("Factor", "Double-click to rename"), Column("Share / %", "Of all counts", True),
            Column("Maximum at / eV", "Of its spectrum", True),
        )))
        self.factors.edited.connect(self._rename)
        self.view = RowsView(self.factors, "Factors")
        self.view.set_widths((200, 110, 140))
        self.view.selectionModel().currentRowChanged.connect(lambda now, _: self._show_map(now.row()))
        self.plot = SmallPlot("Spectra of the factors", "Energy loss (eV)", "Share of counts a channel", self)
        self.add = button("Add spectra to the project", "Make the factors' spectra entries of their own",
                          self.add_spectra)
        self.remove = button("Remove", "Take this analysis and its maps out of the project", self.remove_analysis,
                             sign="delete")
        self.draw = button("Draw in the profile", "Show the amounts of these factors in the middle of the window",
                           self.draw_traces)
        for widget in (self.title, self.chosen, self.figures, self.view, self.plot, self.ion_result):
            self.body.addWidget(widget)
        self.body.addLayout(row(self.draw, self.add, self.remove))
        self.ambiguity = muted(AMBIGUITY)
        self.body.addWidget(self.ambiguity)

    # -- showing ------------------------------------------------------------------------------------------------

    @property
    def analysis(self) -> KeptFactors | None:
        """The analysis that is shown."""
        entry = self.document.entry
        if entry is None or not entry.factors:
            return None
        return next((one for one in entry.factors if one.id == self._wanted), entry.factors[-1])

    def refresh(self) -> None:
        """Show the entry's analyses."""
        entry, found = self.document.entry, self.analysis
        image = entry is not None and bool(entry.spectrum.navigation)
        for widget in (self.go, self.ask):
            widget.setEnabled(image and self._task is None)
        if entry is not None and image:
            axis = entry.spectrum.axis.values
            self.low.setPlaceholderText(plain(float(axis[0]), 1))
            self.high.setPlaceholderText(plain(float(axis[-1]), 1))
        self._show_kind(found)
        self._show_tests()
        key = (entry.id if entry else None, found, entry.factors if entry else None)
        if key == self._drawn:
            return
        self._drawn = key
        self._follow(found)
        ions = found is not None and bool(found.labels)
        for widget in (self.title, self.chosen, self.figures, self.add, self.remove):
            widget.setVisible(found is not None)
        for widget in (self.view, self.plot):
            widget.setVisible(found is not None and not ions)
        self.ion_result.setVisible(ions)
        self.draw.setVisible(ions and found is not None and found.amounts.size > 0 and found.method != "pca")
        if entry is None or found is None:
            return
        self.chosen.clear()
        for one in entry.factors:
            self.chosen.addItem(f"{one.title}, {one.range_words}", one.id)
        self.chosen.setCurrentIndex(self.chosen.findData(found.id))
        self._show_analysis(found)

    def _follow(self, found: KeptFactors | None) -> None:
        """Another analysis is shown: the next one is asked for as that was, until something else is chosen."""
        if found is not None and found.id != self._followed:
            self.number.setValue(len(found.names))
        self._followed = found.id if found is not None else ""

    def _show_kind(self, found: KeptFactors | None) -> None:
        """Ions are chosen by name, energies by a range."""
        entry = self.document.entry
        ions = entry is not None and bool(entry.spectrum.axis.labels)
        for widget in self._range:
            widget.setVisible(not ions)
        for widget in self._ion_parts:
            widget.setVisible(ions)
        if entry is not None and ions:
            self.ions.show_ions(entry.spectrum)
            self.rules.show_data(entry.spectrum, found if found is not None and found.labels else None)
            self.together.show_project(self.document.project, entry)
            resolved = self.method.currentData() == "mcr"
            self.rules.setEnabled(resolved)
            self.bands.setEnabled(self.method.currentData() != "pca")

    def _show_tests(self) -> None:
        entry, tests = self.document.entry, self._tests
        shown = tests is not None and entry is not None and tests[0] == entry.id
        self.answers_view.setVisible(shown)
        self.scree.setVisible(shown)
        if tests is None or not shown:
            return
        self.answers.set_rows([Row(test, (Cell(test), Cell(answer))) for test, answer in tests[1].rows()])
        self.answers_view.fit_height(4, 6)
        heights = np.log10(np.maximum(tests[1].singular[:20] / tests[1].edge, 1e-3))
        self.scree.clear()
        places = np.arange(1.0, heights.size + 1)
        self.scree.points(list(places), list(heights), self.scree.colour(0))
        self.scree.level(0.0)
        span = max(float(np.ptp(heights)), 0.5)
        self.scree.frame((0.0, heights.size + 1.0), (min(float(heights.min()), 0.0) - 0.1 * span,
                                                     float(heights.max()) + 0.1 * span))

    def _show_analysis(self, found: KeptFactors) -> None:
        entry = self.document.entry
        if entry is None:
            return
        self.figures.setText(self._figures(found))
        if found.labels:
            axes = entry.spectrum.navigation
            self.ion_result.show_result(found, axes[0] if len(axes) in (1, 3) else None)
            return
        maps = {one.id: one for one in entry.maps if one.group == found.id}
        amounts = [float(np.nansum(maps[f"{found.id}_{i + 1}"].values)) if f"{found.id}_{i + 1}" in maps else np.nan
                   for i in range(len(found.names))]
        total = float(np.nansum(amounts))
        rows = []
        self.plot.clear()
        for index, name in enumerate(found.names):
            spectrum = found.spectra[index]
            colour = self.plot.colour(index)
            share = "" if found.method == "pca" or not total > 0 else plain(100 * amounts[index] / total, 1)
            top = found.energy[int(np.argmax(np.abs(spectrum)))]
            rows.append(Row(str(index), (Cell(name, edit=name, swatch=colour.name()), Cell(share),
                                         Cell(plain(float(top), 2)))))
            self.plot.curve(found.energy, spectrum, colour)
        self.factors.set_rows(rows)
        self.view.fit_height(2, 8)
        low, high = float(found.spectra.min()), float(found.spectra.max())
        margin = 0.05 * max(high - low, 1e-12)
        self.plot.frame((float(found.energy[0]), float(found.energy[-1])), (low - margin, high + margin))

    def _figures(self, found: KeptFactors) -> str:
        noise = "known noise" if found.noise_known else "noise estimated from the data, so no test"
        old = " The data have changed since." if found.data_hash and not self._current(found) else ""
        ended = "" if found.status in ("exact", "converged") else f" It ended by its {found.status}."
        blocks = [words for words in found.constraints if words.startswith("solved on ")]
        rules = ", ".join(words for words in found.constraints if words not in blocks)
        surplus = rank_words(len(found.names), found.tests)
        ranks = f" {surplus}" if surplus else ""
        asked = (f" With {rules}." if rules else "") + "".join(f" S{words[1:].replace(' x ', ' × ')}."
                                                               for words in blocks)
        words = (
            f"Lack of fit {found.lof:.2f} % ({len(found.names)} factors cannot have less than {found.lof_bound:.2f} "
            f"%), explained {found.explained:.2f} %, χ²/dof {found.chi2:.3g} ({noise}).{asked}{ended}{old}{ranks}"
        )
        return words.replace(" %", "\N{NO-BREAK SPACE}%")

    def _current(self, found: KeptFactors) -> bool:
        spectrum = self.document.spectrum()
        return spectrum is not None and spectrum.hash == found.data_hash

    def _recolour(self) -> None:
        self._drawn = ()
        for plot in (self.plot, self.scree, self.ion_result):
            plot.recolour()
        super()._recolour()

    def _choose(self, index: int) -> None:
        self._wanted = str(self.chosen.itemData(index))
        self.refresh()

    def _show_map(self, number: int) -> None:
        found = self.analysis
        entry = self.document.entry
        if found is not None and number >= 0 and entry is not None and any(m.group == found.id for m in entry.maps):
            self.map_wanted.emit(f"{found.id}_{number + 1}")

    # -- doing --------------------------------------------------------------------------------------------------

    def _window(self) -> tuple[float, float] | None:
        texts = [field.text().strip() for field in (self.low, self.high)]
        if not any(texts):
            return None
        entry = self.document.entry
        if entry is None:
            raise BadData("No image is shown")
        ends = (float(entry.spectrum.axis.values[0]), float(entry.spectrum.axis.values[-1]))
        values = [parse_number(t, "The range") if t else end for t, end in zip(texts, ends, strict=True)]
        return min(values), max(values)

    def _wish(self) -> factor_analysis.Wish:
        entry = self.document.entry
        method: Method = self.method.currentData()
        k, poisson = self.number.value(), self.poisson.isChecked()
        if entry is None or not entry.spectrum.axis.labels:
            return factor_analysis.Wish(method, k, self._window(), poisson=poisson)
        places = self.ions.places
        rules = self.rules.wanted(k, places) if method == "mcr" else NONE
        bands = self.bands.isChecked() and method != "pca" and k > 1
        return factor_analysis.Wish(method, k, channels=places, poisson=poisson, constraints=rules, bands=bands)

    def ask_number(self) -> None:
        """Test how many factors there are, off the window's thread."""
        entry = self.document.entry
        if entry is None or self._task is not None:
            return

        def start() -> None:
            spectrum, wish = entry.processed(), self._wish()

            def work(progress: Progress, cancel: Cancel) -> RankTests:
                return number_of_factors(spectrum, wish.window, channels=wish.channels, poisson=wish.poisson,
                                         progress=progress, cancel=cancel)

            def done(tests: RankTests) -> None:
                self._tests = (entry.id, tests)

            self._begin(work, done, f"Number of factors of {entry.title}")

        self.attempt(start)

    def find(self) -> None:
        """Find the factors off the window's thread; they become one undo step."""
        entry = self.document.entry
        if entry is None or self._task is not None:
            return

        def start() -> None:
            wish, session = self._wish(), self.document.session
            others = self.together.ids if entry.spectrum.axis.labels else ()
            ids = (entry.id, *others)
            entries = [self.document.project.entry(id) for id in ids]
            spectra = [one.processed() for one in entries]

            def work(progress: Progress, cancel: Cancel) -> tuple[Factors, ...]:
                if len(spectra) > 1:
                    return factor_analysis.solve_together(spectra, wish, progress, cancel)
                return (factor_analysis.solve(spectra[0], wish, progress, cancel),)

            def done(found: tuple[Factors, ...]) -> None:
                known = {one.id: one for one in self.document.project.entries}
                if self.document.session is not session or not set(ids) <= set(known):
                    return
                now = [known[id] for id in ids]
                if any(a.spectrum is not b.spectrum or a.recipe != b.recipe for a, b in zip(now, entries, strict=True)):
                    self.say("The data changed meanwhile: find the factors again.")
                    return
                self._take(entry.title, [(id, one, spectrum.hash)
                                         for id, one, spectrum in zip(ids, found, spectra, strict=True)])

            self._begin(work, done, f"Factors of {entry.title}")

        self.attempt(start)

    def _take(self, title: str, found: list[tuple[str, Factors, str]]) -> None:
        """Results become one undo step."""
        document = self.document
        self._tests = (found[0][0], found[0][1].tests)
        project, kept = factor_analysis.keep_together(document.project, found)
        self._wanted = kept[0]
        document.apply(f"Factors of {title}", project)
        if document.entry is not None and any(one.group == self._wanted for one in document.entry.maps):
            self.map_wanted.emit(f"{self._wanted}_1")
        self.ion_result.come_into_view()

    def _begin(self, work: object, done: object, title: str) -> None:
        self._task = self.tasks.run(work, done, title=title)  # type: ignore[arg-type]
        self._task.ended.connect(self._ended)
        self.refresh()

    def _ended(self) -> None:
        self._task = None
        self.refresh()

    def _rename(self, key: str, column: int, text: str) -> None:
        entry, found = self.document.entry, self.analysis
        if entry is not None and found is not None and column == 0:
            self.attempt(lambda: self.document.apply(
                "Rename factor",
                factor_analysis.rename_factor(self.document.project, entry.id, found.id, int(key), text),
            ))

    def draw_traces(self) -> None:
        """The factors as traces of the profile in the middle of the window."""
        entry, found = self.document.entry, self.analysis
        if entry is not None and found is not None:
            self.attempt(lambda: self.document.apply(
                "Draw factors", factor_analysis.with_factor_traces(self.document.project, entry.id, found.id)))

    def add_spectra(self) -> None:
        """The factors' spectra as entries of the project."""
        entry, found = self.document.entry, self.analysis
        if entry is not None and found is not None:
            self.attempt(lambda: self.document.apply(
                "Add spectra of factors",
                factor_analysis.add_factor_spectra(self.document.project, entry.id, found.id),
            ))

    def remove_analysis(self) -> None:
        """Take the shown analysis and its maps out of the project."""
        entry, found = self.document.entry, self.analysis
        if entry is not None and found is not None:
            self.attempt(lambda: self.document.apply(
                f"Remove {found.title}",
                factor_analysis.without_factors(self.document.project, entry.id, found.id),
            ))
