"""What the corrections of the Process page share: work off the window's thread, and its result as one undo step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtWidgets import QComboBox, QLineEdit, QVBoxLayout, QWidget

from app.gui.document import Document
from app.gui.panels.base import Panel
from app.gui.panels.numbers import parse_number
from app.gui.tasks import Cancel, Progress, Task, Tasks
from app.gui.theme import GAP_2
from app.project import cube_corrections as corrections
from app.project.project import Entry
from fitting.recipe import Recipe, Step
from libraries.errors import BadData, BadModel


class CorrectionPart(QWidget):
    """Finds something of the shown measurement, shows it, and corrects it by a step of the recipe."""

    def __init__(self, document: Document, panel: Panel) -> None:
        super().__init__(panel)
        self.document = document
        self.panel = panel  # says what went wrong
        self.tasks: Tasks | None = None
        self._task: Task | None = None

    def use_tasks(self, tasks: Tasks) -> None:
        """Where long work runs."""
        self.tasks = tasks

    def refresh(self) -> None:
        """Show what belongs to the document's measurement."""
        raise NotImplementedError

    def _show_buttons(self) -> None:
        raise NotImplementedError

    def _correct(self, words: str, step: Step) -> None:
        """The cube is moved off the window's thread; the answer is kept beside it, so that the edit shows at once."""

        def start() -> None:
            entry = self._entry()
            recipe = corrections.placed(entry, step)

            def work(progress: Progress, cancel: Cancel) -> None:
                del cancel
                progress(-1.0, words)
                recipe.apply(entry.spectrum)

            def done(_: None) -> None:
                self._attempt(lambda: self.document.apply(
                    words, corrections.with_correction(self.document.project, entry.id, step)))

            self._run(work, done, entry.recipe, words)

        self._attempt(start)

    def _entry(self) -> Entry:
        entry = self.document.entry
        if entry is None or self.tasks is None:
            raise BadData("Nothing is shown that could be corrected")
        return entry

    def _run(
        self, work: Callable[[Progress, Cancel], Any], done: Callable[[Any], None], recipe: Recipe, title: str
    ) -> None:
        """Run work; what comes back is left out when the steps before, the cube or the project are others by then."""
        tasks, entry, session = self.tasks, self.document.entry, self.document.session
        if tasks is None or entry is None or self._task is not None:
            return

        def take(result: Any) -> None:
            now = next((e for e in self.document.project.entries if e.id == entry.id), None)
            if self.document.session is not session or now is None or now.spectrum is not entry.spectrum:
                return
            if now.recipe.steps[: len(recipe.steps)] != recipe.steps or self.document.entry is not now:
                return
            done(result)
            self.refresh()

        self._task = tasks.run(work, take, title=title)
        self._show_buttons()
        self._task.ended.connect(self._ended)

    def _ended(self) -> None:
        self._task = None
        self._show_buttons()

    def _attempt(self, action: Callable[[], None]) -> None:
        self.panel.attempt(action)


def column() -> tuple[QWidget, QVBoxLayout]:
    """A widget with its rows below each other."""
    part = QWidget()
    layout = QVBoxLayout(part)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(GAP_2)
    return part, layout


def box(name: str) -> QComboBox:
    """A list to choose from."""
    box = QComboBox()
    box.setAccessibleName(name)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(14)
    return box


def field(name: str, empty: str) -> QLineEdit:
    """A short field that may stay empty."""
    field = QLineEdit()
    field.setAccessibleName(name)
    field.setToolTip(name)
    field.setPlaceholderText(empty)
    field.setMaximumWidth(60)
    return field


def whole(line: QLineEdit, what: str, default: int) -> int:
    """A typed whole number, 1 or more; `default` where nothing is typed.

    Raises
    ------
    BadModel
        If it is none.
    """
    text = line.text().strip()
    if not text:
        return default
    value = parse_number(text, what)
    if value != round(value) or not 1 <= value <= 1_000_000:
        raise BadModel(f"{what} is a whole number, 1 or more", where=text)
    return int(value)
