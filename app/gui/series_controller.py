"""Handlers of series and of what CasaXPS stored in a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.files.casa import casa_info
from app.project import casa, series
from app.project.project import Entry, Project
from libraries.errors import BadData, SodaliteError

if TYPE_CHECKING:
    from app.gui.window import MainWindow

MOST_SHOWN = 6


class SeriesController(QObject):
    """Handlers of series and of what CasaXPS stored in a file."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window

    # -- after an import ----------------------------------------------------------------------------------------

    def imported(self, ids: Sequence[str]) -> None:
        """Offer what the spectra that were just read make possible."""
        project = self._window.document.project
        with_casa = casa.offered(project, ids)
        if with_casa:
            regions = sum(len(casa_info(project.entry(id).spectrum).regions) for id in with_casa)
            self._window.messages.show_message(
                f"CasaXPS stored {_many(regions, 'region')} with {_of_spectra(project, with_casa)}.", "question",
                [
                    ("Use CasaXPS's regions and components", lambda: self._take(ids)),
                    ("Not now", lambda: None),
                ],
            )
        found = [group for group in series.groups(project, ids) if project.entry(group[0]).variable]
        if found:
            variable = project.entry(found[0][0]).variable
            names = ", ".join(project.entry(group[0]).spectrum.name for group in found[:MOST_SHOWN])
            self._window.messages.show_message(
                f"{names}: measured at {len(found[0])} values of the {variable}.", "question",
                [
                    ("Combine into series", lambda: self._combine([id for group in found for id in group])),
                    ("Leave single spectra", lambda: None),
                ],
            )

    # -- CasaXPS ------------------------------------------------------------------------------------------------

    def use_casa(self) -> None:
        """Take over what CasaXPS stored: of the chosen spectra, or of all of the shown spectrum's file."""
        document = self._window.document
        entry = document.entry
        if entry is None:
            return
        chosen = _chosen(document)
        if len(chosen) < 2:
            file = entry.spectrum.meta.file
            same = [e.id for e in document.project.entries if file and e.spectrum.meta.file == file]
            chosen = same or [entry.id]
        self._take(chosen)

    def _take(self, ids: Sequence[str]) -> None:
        document = self._window.document
        known = [id for id in ids if any(entry.id == id for entry in document.project.entries)]
        taken = casa.take_over(document.project, known)
        if not (taken.regions or taken.shifts):
            text = "No region of CasaXPS is left to take over in these spectra."
            self._window.messages.show_message("\n".join((text, *taken.warnings[:MOST_SHOWN])), "warning")
            return
        document.apply("Use CasaXPS's regions and components", taken.project)
        first = next((id for id in known if casa.is_taken(taken.project.entry(id))), None)
        shown = document.entry
        if first is not None and not (shown is not None and casa.is_taken(shown)):
            document.select(first)
        undo = self._undo()
        if taken.warnings:
            self._window.messages.show_message(f"{taken}.\n{_listed(taken.warnings)}", "warning", undo)
        else:
            self._window.messages.show_message(f"{taken}.", "info", undo)

    def _undo(self) -> list[tuple[str, Callable[[], object]]]:
        """A button that takes the step just done back, as long as it is the last one."""
        document = self._window.document
        step, after = document.undo_text, document.project

        def back() -> None:
            if document.project is after:
                document.undo()
            else:
                self._window.say(f"“{step}” is no longer the last step: Edit > Undo goes back one by one")

        return [("Undo", back)]

    # -- series -------------------------------------------------------------------------------------------------

    def combine(self) -> None:
        """One series of the chosen spectra, or of all that have the shown one's sample and region."""
        document = self._window.document
        entry = document.entry
        if entry is None:
            return
        chosen = _chosen(document)
        if len(chosen) < 2:
            chosen = [e.id for e in document.project.entries_of(entry.sample) if _alike(e, entry)]
        if len(chosen) < 2:
            self._window.messages.show_message(
                f"There is one spectrum of {entry.spectrum.name} in this sample: a series needs several.", "info"
            )
            return
        self._combine(chosen)

    def _combine(self, ids: Sequence[str]) -> None:
        document = self._window.document
        try:
            project, made, refused = _combined(document.project, ids)
        except BadData as error:
            self._window.show_error(error)
            return
        if made:
            kept = [id for id in ids if any(e.id == id and e.fits for e in project.entries)]
            document.apply(f"Combine into {_many(len(made), 'series')}", project)
            document.select(made[0])
            names = ", ".join(project.entry(id).title for id in made)
            more = " The single spectra stay, because some have fits." if kept else ""
            self._window.messages.show_message(f"Combined: {names}.{more}", "info", self._undo())
        for text in refused[:MOST_SHOWN]:
            self._window.messages.show_message(text, "warning")

    def split(self) -> None:
        """The shown series as single spectra."""
        document = self._window.document
        entry = document.entry
        if entry is None:
            return
        try:
            project, ids = series.split(document.project, entry.id)
        except SodaliteError as error:
            self._window.show_error(error)
            return
        document.apply(f"Split {entry.title}", project)
        document.select(ids[0])
        self._window.messages.show_message(
            f"{entry.title} is split into {len(ids)} spectra.", "info", self._undo()
        )


def _combined(project: Project, ids: Sequence[str]) -> tuple[Project, tuple[str, ...], tuple[str, ...]]:
    """Chosen spectra of one region make one series or an error; those of several regions a series each."""
    names = {(project.entry(id).sample, project.entry(id).spectrum.name) for id in ids}
    if len(names) > 1:
        return series.combine_all(project, ids)
    project, made = series.combine(project, ids)
    return project, (made,), ()


def _alike(entry: Entry, other: Entry) -> bool:
    single = not entry.spectrum.navigation and not entry.spectrum.curve
    return single and entry.spectrum.name == other.spectrum.name


def _chosen(document: object) -> list[str]:
    return list(getattr(document, "chosen", ()))


def _of_spectra(project: Project, ids: Sequence[str]) -> str:
    if len(ids) == 1:
        return project.entry(ids[0]).title
    files = {Path(project.entry(id).spectrum.meta.file).name for id in ids}
    return f"{len(ids)} spectra of {files.pop()}" if len(files) == 1 else f"{len(ids)} spectra"


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 or noun.endswith('s') else 's'}"


def _listed(texts: Sequence[str]) -> str:
    more = len(texts) - MOST_SHOWN
    return "\n".join((*texts[:MOST_SHOWN], *((f"… and {more} more",) if more > 0 else ())))
