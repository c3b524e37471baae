"""The page of error intervals: the free parameters of the shown region, by profile likelihood or bootstrap.

Intervals belong to the fit result that they were computed from. They are kept as long as that result lives (in the
project or in its undo history), and are shown with no other.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from app.cli.intervals import FEWEST, Uncertainties
from app.gui.document import Document
from app.gui.interval_rows import columns, interval_rows, note
from app.gui.table_view import TableView
from app.gui.tasks import Cancel, Progress, Task, Tasks
from app.gui.theme import GAP_1, GAP_2, GAP_3, SPIN_MARGINS
from app.project.joint import is_tied
from app.project.project import RegionFit
from app.project.work import STATISTICS
from fitting.bootstrap import Bootstrap, bootstrap
from fitting.dataset import Spectrum
from fitting.engine import spoken
from fitting.profile import LEVELS, Profiles, profile
from fitting.result import FitResult
from libraries.errors import SodaliteError

PROFILE, BOOTSTRAP = "profile", "bootstrap"
REPLICAS, MOST_REPLICAS, MOST_SEED = 200, 20_000, 2**31 - 1
NO_REGION = "Draw a region and fit it to see the intervals of its parameters."
NOT_FITTED = "Fit the region to see the intervals of its parameters."
TIED = "This region is tied to others. Intervals of one region would leave that out: take the errors of the joint fit."
CHANGED = "Model or data changed since the fit that the intervals belong to. Fit again, then compute them anew."


class IntervalsPage(QWidget):
    """Choice of the method, table, and one line that says what the intervals are.

    Signals
    -------
    better_wanted(FitModel)
        The region is to be fitted from this model, which lies in a lower minimum.
    export_wanted()
        The shown intervals are to be saved as a table.
    """

    better_wanted = Signal(object)
    export_wanted = Signal()

    def __init__(self, document: Document, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document, self._tasks = document, tasks
        self._all: WeakKeyDictionary[FitResult, dict[str, Profiles | Bootstrap]] = WeakKeyDictionary()
        self._once: set[tuple[object, str, str]] = set()  # regions that had intervals in this session
        self._task: Task | None = None
        self._of: FitResult | None = None  # what the task computes intervals of
        self._failure: tuple[FitResult, str] | None = None
        self._shown: object = None
        self._build_choice()
        self._build_better()
        self.table = TableView("Error intervals", columns(False))
        self.note = QLabel()
        self.note.setProperty("role", "muted")
        self.note.setWordWrap(True)
        self.note.setContentsMargins(GAP_3, GAP_1, GAP_3, GAP_1)
        self.note.setAccessibleName("Remark on the intervals")
        self.why = QLabel(NO_REGION)
        self.why.setProperty("role", "muted")
        self.why.setWordWrap(True)
        self.why.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.why.setContentsMargins(GAP_3, 0, GAP_3, 0)
        self.why.setAccessibleName("Why there are no intervals")
        full = QWidget()
        column = QVBoxLayout(full)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(self._choice)
        column.addWidget(self.better)
        column.addWidget(self.table, 1)
        column.addWidget(self.note)
        self._pages = QStackedLayout(self)
        self._pages.addWidget(self.why)
        self._pages.addWidget(full)
        self.setFocusProxy(self.start)
        document.project_changed.connect(self.refresh)
        document.selection_changed.connect(self.refresh)
        document.place_changed.connect(self.refresh)
        self.refresh()

    def _build_choice(self) -> None:
        self.method = QComboBox()
        self.method.addItem("Profile likelihood", PROFILE)
        self.method.addItem("Bootstrap", BOOTSTRAP)
        self.method.setAccessibleName("Method")
        self.method.currentIndexChanged.connect(lambda _: self.refresh())
        self.replicas, self.seed = QSpinBox(), QSpinBox()
        self.replicas.setRange(FEWEST, MOST_REPLICAS)
        self.replicas.setSingleStep(100)
        self.replicas.setValue(REPLICAS)
        self.replicas.setSuffix(" spectra")
        self.replicas.setAccessibleName("Number of simulated spectra")
        self.replicas.setToolTip("200 for errors, 2000 for 95 % intervals")
        self.replicas.setMaximumWidth(136)
        self.seed.setRange(0, MOST_SEED)
        self.seed.setMaximumWidth(104)
        self.seed.setPrefix("seed ")
        self.seed.setAccessibleName("Seed of the simulated spectra")
        self.seed.setToolTip("The same seed gives the same spectra")
        self.start = QPushButton("Compute")
        self.start.setProperty("primary", True)
        self.start.clicked.connect(self._pressed)
        self.save = QPushButton("Save CSV…")
        self.save.setToolTip("All intervals of this region as a table")
        self.save.clicked.connect(self.export_wanted)
        for box in (self.replicas, self.seed):
            box.lineEdit().setTextMargins(*SPIN_MARGINS)
        self._choice = QHBoxLayout()
        self._choice.setContentsMargins(GAP_3, GAP_2, GAP_3, GAP_1)
        self._choice.setSpacing(GAP_2)
        for widget in (self.method, self.replicas, self.seed, self.start):
            self._choice.addWidget(widget)
        self._choice.addStretch(1)
        self._choice.addWidget(self.save)

    def _build_better(self) -> None:
        self.better = QFrame()
        self.better.setObjectName("messageBar")
        self.better.setProperty("kind", "warning")
        self.better_words = QLabel()
        self.better_words.setWordWrap(True)
        self.use = QPushButton("Use it")
        self.use.setToolTip("Fit from there; undo takes it back")
        self.use.setProperty("primary", True)
        self.use.clicked.connect(self._use)
        row = QHBoxLayout(self.better)
        row.setContentsMargins(GAP_3, GAP_1 + 2, GAP_3, GAP_1 + 2)
        row.addWidget(self.better_words, 1)
        row.addWidget(self.use)
        self.better.hide()

    # -- what there is ------------------------------------------------------------------------------------------

    def _current(self) -> tuple[Spectrum, RegionFit, FitResult] | None:
        """Spectrum, region and result that intervals may be computed of; None where there is no proper fit."""
        fit, spectrum = self._document.fit, self._document.shown()
        result = fit.result if fit is not None else None
        if fit is None or spectrum is None or result is None or not result.success or self._tied():
            return None
        return (spectrum, fit, result) if result.data_hash == spectrum.hash else None

    def _tied(self) -> bool:
        """Whether the shown region is tied to others, which intervals of one region would leave out."""
        _, entry, fit = self._region()
        return bool(fit) and is_tied(self._document.project, entry, fit)

    def found(self) -> Uncertainties | None:
        """The intervals of the shown fit by all methods; None where there are none."""
        current = self._current()
        ready = self._all.get(current[2], {}) if current is not None else {}
        profiles, drawn = ready.get(PROFILE), ready.get(BOOTSTRAP)
        usable = profiles if isinstance(profiles, Profiles) and profiles.better is None else None
        if usable is None and drawn is None:
            return None
        return Uncertainties(usable, drawn if isinstance(drawn, Bootstrap) else None)

    @property
    def _chosen(self) -> str:
        return str(self.method.currentData())

    def _region(self) -> tuple[object, str, str]:
        entry, fit = self._document.entry, self._document.fit
        return self._document.session, entry.id if entry else "", fit.id if fit else ""

    # -- showing ------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show the intervals of the shown fit, or why there are none."""
        current, entry, fit = self._current(), self._document.entry, self._document.fit
        result = current[2] if current is not None else None
        if self._task is not None and not self._alive():
            self._task.cancel()
        ready = self._all.get(result, {}).get(self._chosen) if result is not None else None
        failure = self._failure[1] if self._failure is not None and self._failure[0] is result else ""
        running = self._task is not None and self._of is result
        key = (entry, fit, ready, self._chosen, failure, running)
        if self._shown is not None and all(a is b or a == b for a, b in zip(key, self._shown, strict=True)):
            return
        self._shown = key
        if current is None or entry is None or fit is None or result is None:
            self._say_why(fit)
            return
        drawn = self._chosen == BOOTSTRAP
        self.replicas.setVisible(drawn)
        self.seed.setVisible(drawn)
        self.start.setText("Stop" if running else "Compute")
        self.start.setProperty("primary", not running)
        self.start.style().polish(self.start)
        self.save.setEnabled(self.found() is not None)
        self._show_better(result, ready)
        # The last column of the bootstrap holds numbers, which must not move to the far edge of a wide window.
        self.table.horizontalHeader().setStretchLastSection(not drawn)
        self.table.set_rows(interval_rows(entry, fit, result, ready, drawn), columns(drawn))
        if not running:
            self._say(failure or note(fit, result, ready, drawn), "warning" if failure else "muted")
        self._pages.setCurrentIndex(1)

    def _say_why(self, fit: RegionFit | None) -> None:
        result = fit.result if fit is not None else None
        if fit is None:
            text = NO_REGION
        elif self._tied():
            text = TIED
        elif result is not None and not result.success:
            text = f"Intervals need a proper minimum. {result.message}"
        else:
            text = CHANGED if self._region() in self._once else NOT_FITTED
        self.why.setText(text)
        self._pages.setCurrentIndex(0)

    def _show_better(self, result: FitResult, ready: Profiles | Bootstrap | None) -> None:
        lower = isinstance(ready, Profiles) and ready.better is not None
        if lower:
            name = STATISTICS[result.statistic]
            self.better_words.setText(
                f"No intervals: this fit is not the lowest minimum. On the way lies one with {name} "
                f"{ready.better_deviance:.6g} instead of {result.deviance:.6g}."
            )
        self.better.setVisible(lower)

    def _say(self, text: str, role: str) -> None:
        self.note.setText(text)
        self.note.setProperty("role", role)
        self.note.style().polish(self.note)
        self.note.setVisible(bool(text))

    # -- computing ----------------------------------------------------------------------------------------------

    def _pressed(self) -> None:
        if self._task is not None and self._shown is not None and self.start.text() == "Stop":
            self._task.cancel()
        else:
            self.compute()

    def _alive(self) -> bool:
        """Whether the project still has the result whose intervals are being computed."""
        return any(fit.result is self._of for entry in self._document.project.entries for fit in entry.fits)

    def compute(self) -> None:
        """Compute the intervals of the shown fit by the chosen method; work on another fit is stopped."""
        current = self._current()
        if current is None:
            return
        if self._task is not None:
            self._task.cancel()
        (spectrum, fit, result), method = current, self._chosen
        replicas, seed = self.replicas.value(), self.seed.value()

        def work(progress: Progress, cancel: Cancel) -> Profiles | Bootstrap:
            if method == PROFILE:
                def told(fraction: float, text: str) -> None:
                    done = min(int(fraction * len(result.free)), len(result.free) - 1)
                    progress(fraction, f"Interval of the {spoken(result.model, result.free[done])}")

                return profile(spectrum, result, levels=LEVELS, progress=told, cancel=cancel)
            drawn = bootstrap(spectrum, result, replicas, seed=seed, progress=progress, cancel=cancel)
            drawn.of(drawn.names[0])  # too few of them could be fitted?
            return drawn

        self._failure, self._of = None, result
        region = self._region()
        task = self._task = self._tasks.run(
            work, lambda found: self._done(result, region, method, found), lambda error: self._failed(result, error),
            title=f"Error intervals of {fit.name}",
        )
        task.progressed.connect(lambda fraction, text: self._progressed(task, text))
        task.ended.connect(lambda: self._ended(task))
        self._say("Computing…", "muted")
        self.refresh()

    def _progressed(self, task: Task, text: str) -> None:
        current = self._current()
        if task is self._task and current is not None and current[2] is self._of:
            self._say(f"{text}…", "muted")

    def _done(
        self, result: FitResult, region: tuple[object, str, str], method: str, found: Profiles | Bootstrap
    ) -> None:
        self._all.setdefault(result, {})[method] = found
        self._once.add(region)

    def _failed(self, result: FitResult, error: BaseException) -> None:
        self._failure = (result, str(error))
        if not isinstance(error, SodaliteError):
            raise error

    def _ended(self, task: Task) -> None:
        if task is self._task:
            self._task = self._of = None
        self._shown = None
        self.refresh()

    def _use(self) -> None:
        current = self._current()
        ready = self._all.get(current[2], {}).get(PROFILE) if current is not None else None
        if isinstance(ready, Profiles) and ready.better is not None:
            self.better_wanted.emit(ready.better)

    def minimumSizeHint(self) -> QSize:
        """Its fields must not keep the window from becoming narrow."""
        return QSize(0, super().minimumSizeHint().height())

    def copy(self) -> None:
        """Copy the table as text."""
        self.table.copy()
