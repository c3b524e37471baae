"""A template over many files: each read, fitted and quantified; one project, one table, a list of failures.

Files are worked on side by side; one that cannot be read or fitted is noted and stops nothing. What is finished is
kept beside the project ("OUT.progress.json"), so that the work can go on later.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.files.atomic import write_text
from app.files.csv_table import write_table
from app.project import series, store, trends
from app.project.folder_files import DONE, FAILED, content, files_in, journal, outputs_of
from app.project.project import Entry, Project, RegionFit, Sample, add_spectra, fresh_id
from app.project.template import Template
from app.project.template_apply import analyse
from app.project.template_file import to_json
from fitting.dataset import Spectrum
from fitting.solver import Cancel, Progress
from libraries.errors import BadFile, Cancelled, CannotWrite, SodaliteError

SAVE_EVERY = 30.0  # s
Reader = Callable[[Path], list[Spectrum]]


@dataclass(frozen=True)
class Failure:
    """What went wrong with a file, or with a region of it."""

    file: str
    what: str


@dataclass(frozen=True, eq=False)
class FolderRun:
    """What came of a folder.

    Attributes
    ----------
    project : Project
    failures : tuple of Failure
        Of all files, those of earlier runs included.
    remarks : tuple of Failure
        What did not match or was changed on the way; no failure.
    files : int
        How many there are.
    fitted_now : int
        How many were worked on in this run.
    cancelled : bool
    outputs : tuple of Path
        What was written.
    """

    project: Project
    failures: tuple[Failure, ...]
    remarks: tuple[Failure, ...]
    files: int
    fitted_now: int
    cancelled: bool
    outputs: tuple[Path, ...]


def run_folder(
    places: Sequence[Path], template: Template, out: Path, progress: Progress | None = None,
    cancel: Cancel | None = None, *, workers: int = 2, resume: bool = False, read: Reader | None = None,
) -> FolderRun:
    """A template over files or folders.

    Parameters
    ----------
    places : sequence of Path
        Files, or folders whose files are taken.
    out : Path
        Project to write; the table and the failures stand beside it.
    workers : int
        Files worked on side by side.
    resume : bool
        Go on with what `out` holds: files that were finished with the same content and template are passed over.
    read : callable(path) -> list of Spectrum, optional
        By default the program's reader in a process of its own.

    Returns
    -------
    FolderRun
        After a stop by the user too, with what was finished.

    Raises
    ------
    BadFile
        If there is no file.
    CannotWrite
        If the output exists and is not to be gone on with, or cannot be written.
    """
    files = files_in(places)
    run = _Run(files, template, out, resume, read or _read)
    run.check()
    run.begin()
    run.work(progress, cancel, max(1, workers))
    return run.finish()


def _read(path: Path) -> list[Spectrum]:
    from app.files.child import read_in_child

    return read_in_child(path)


@dataclass(frozen=True, eq=False)
class _Outcome:
    """One file, worked on."""

    project: Project
    failures: tuple[str, ...]
    remarks: tuple[str, ...]
    hash: str


class _Run:
    """The state of a run: the project so far and what is known of each file."""

    def __init__(self, files: tuple[Path, ...], template: Template, out: Path, resume: bool, read: Reader) -> None:
        self.files, self.template, self.out, self.resume, self.read = files, template, out, resume, read
        self.key = hashlib.sha256(to_json(template).encode()).hexdigest()
        self.project = Project(out.stem)
        self.known: dict[str, dict[str, Any]] = {}
        self.now = 0
        self.cancelled = False
        self._saved = time.monotonic()

    def check(self) -> None:
        """Refuse what cannot end well before anything is done."""
        if self.out.suffix.lower() != store.SUFFIX:
            raise CannotWrite("The results are a project", where=str(self.out), todo=f"Give a name ending in "
                              f"{store.SUFFIX}")
        for path in self.files:
            for target in outputs_of(self.out).values():
                if path.exists() and target.exists() and path.samefile(target):
                    raise CannotWrite("This is a file that is read; data are never overwritten", where=str(target),
                                      todo="Choose another name")
        outputs = outputs_of(self.out)
        if not self.resume:
            for target in outputs.values():
                if target.exists():
                    raise CannotWrite("The file exists already", where=str(target),
                                      todo="Go on with it by --resume, or choose another name")
        elif self.out.exists() and not outputs["progress"].exists():
            # Without its list the project is somebody's own work, or what is in it cannot be told.
            raise CannotWrite("The project is not of a run that could be gone on with: its list of finished files is "
                              "missing", where=str(outputs["progress"]), todo="Choose another name for the results")
        elif not self.out.exists() and not outputs["progress"].exists():
            # Nothing to go on with: a table of that name is not ours either.
            for target in outputs.values():
                if target.exists():
                    raise CannotWrite("The file exists already", where=str(target), todo="Choose another name")

    def begin(self) -> None:
        """Take up what an earlier run finished."""
        listed = outputs_of(self.out)["progress"]
        if not (self.resume and self.out.exists() and listed.exists()):
            return
        data = journal(listed)
        if data.get("template") != self.key:
            raise CannotWrite("The results were made with another template", where=str(self.out),
                              todo="Give the same template or another name for the output")
        from app.project.store_child import load_in_child

        self.project = load_in_child(self.out)
        present = {sample.name for sample in self.project.samples}
        for name, row in data["files"].items():
            if set(row["samples"]) <= present:
                self.known[name] = row

    # ---------------------------------------------------------------------------------------------------- the work

    def work(self, progress: Progress | None, cancel: Cancel | None, workers: int) -> None:
        """All files that are not finished, some side by side; results are taken over in the order of the files."""
        stopped = cancel or (lambda: False)
        waiting = [path for path in self.files if not self._finished(path)]
        if progress is not None:
            progress(1 - len(waiting) / len(self.files), "Reading")
        done: dict[Path, _Outcome] = {}
        order = list(waiting)
        with ThreadPoolExecutor(workers, thread_name_prefix="folder") as pool:
            running: dict[Future[_Outcome], Path] = {}
            while (waiting or running) and not self.cancelled:
                while waiting and len(running) < workers:
                    path = waiting.pop(0)
                    running[pool.submit(self._one, path, stopped)] = path
                finished, _ = wait(running, timeout=0.2, return_when=FIRST_COMPLETED)
                for future in finished:
                    path = running.pop(future)
                    try:
                        done[path] = future.result()
                    except Cancelled:
                        self.cancelled = True
                while order and order[0] in done:
                    path = order.pop(0)
                    self._take(path, done.pop(path))
                    if progress is not None:
                        progress(1 - len(order) / len(self.files), path.name)
                self.cancelled = self.cancelled or stopped()
        for path in order:
            if path in done:
                self._take(path, done[path])

    def _finished(self, path: Path) -> bool:
        row = self.known.get(_name(path))
        return row is not None and row["state"] == DONE and row["hash"] == content(path)

    def _one(self, path: Path, cancel: Cancel) -> _Outcome:
        if cancel():
            raise Cancelled("The folder was not finished")
        digest = content(path)
        try:
            spectra = [s.with_(meta=replace(s.meta, file=str(path))) for s in self.read(path)]
            if not spectra:
                raise BadFile("The file holds no spectrum", where=str(path))
            project = _sorted_in(path, spectra)
            ids = tuple(entry.id for entry in project.entries)
            applied = analyse(project, self.template, ids, None, cancel)
        except Cancelled:
            raise
        except SodaliteError as error:
            return _Outcome(Project(), (str(error),), (), digest)
        except (MemoryError, ArithmeticError, ValueError) as error:
            # One file in a thousand must not stop the night's work; what happened is told.
            return _Outcome(Project(), (f"It could not be worked on ({type(error).__name__}: {error})",), (), digest)
        fits = [(entry, fit) for entry in applied.project.entries for fit in entry.fits if fit.model.components]
        failures = [f"{_words(entry, fit)}: {trends.state(fit)}" for entry, fit in fits
                    if fit.result is None or not fit.result.success]
        if not applied.placed:
            failures.append(f"No spectrum of the file matches the template '{self.template.name}'")
        return _Outcome(applied.project, tuple(failures), applied.notes, digest)

    def _take(self, path: Path, outcome: _Outcome) -> None:
        """One file's results into the project, in place of earlier ones of the same file."""
        old = self.known.get(_name(path))
        if old is not None:
            self.project = _without(self.project, set(old["samples"]))
        self.project, samples = _joined(self.project, outcome.project)
        self.known[_name(path)] = {
            "hash": outcome.hash, "state": FAILED if outcome.failures else DONE, "samples": samples,
            "failures": list(outcome.failures), "remarks": list(outcome.remarks),
        }
        self.now += 1
        if time.monotonic() - self._saved > SAVE_EVERY:
            self._save()

    def _save(self) -> None:
        store.save(self.project, self.out)
        finished = {"format": "sodalite folder", "version": 1, "template": self.key, "files": self.known}
        write_text(outputs_of(self.out)["progress"], json.dumps(finished, indent=1, ensure_ascii=False) + "\n")
        self._saved = time.monotonic()

    def finish(self) -> FolderRun:
        """Write project, table and failures."""
        when = datetime.now(UTC).isoformat(timespec="seconds")
        text = f"Template '{self.template.name}' over {len(self.files)} files, {self.now} in this run"
        self.project = self.project.with_history(when, text)
        self._save()
        names = [_name(path) for path in self.files]
        rows = [(name, self.known[name]) for name in names if name in self.known]
        failures = tuple(Failure(name, what) for name, row in rows for what in row["failures"])
        if self.cancelled:
            failures += tuple(Failure(name, "not worked on: stopped") for name in names if name not in self.known)
        remarks = tuple(Failure(name, what) for name, row in rows for what in row["remarks"])
        outputs = outputs_of(self.out)
        write_folder_table(outputs["table"], self.project, failures)
        write_table(outputs["failures"], ["file", "what"], [(f.file, f.what) for f in failures])
        return FolderRun(self.project, failures, remarks, len(self.files), self.now, self.cancelled,
                         (outputs["project"], outputs["table"], outputs["failures"]))


def _words(entry: Entry, fit: RegionFit) -> str:
    """Spectrum and region, once where they have the same name."""
    return fit.name if entry.title == fit.name else f"{entry.title}, {fit.name}"


def _sorted_in(path: Path, spectra: list[Spectrum]) -> Project:
    """The spectra of one file as a project: samples named after the file, series split into their levels."""
    names = dict.fromkeys(s.meta.sample for s in spectra)
    project = Project(path.stem)
    for name in names:
        title = path.stem if len(names) < 2 else f"{path.stem}: {name or 'unnamed'}"
        project = add_spectra(project, [s for s in spectra if s.meta.sample == name], title)
    for entry in project.entries:
        if len(entry.spectrum.navigation) == 1:
            project, _ = series.split(project, entry.id)
    return series.with_variables(project, [entry.id for entry in project.entries])


def _joined(project: Project, other: Project) -> tuple[Project, list[str]]:
    """A project with the samples and entries of another, under ids and names that are free; the names."""
    samples: dict[str, str] = {}
    names = []
    taken = {sample.name for sample in project.samples}
    for sample in other.samples:
        name = sample.name
        while name in taken:
            name += "'"
        taken.add(name)
        names.append(name)
        samples[sample.id] = fresh_id(name, {s.id for s in project.samples})
        project = project.with_sample(replace(sample, id=samples[sample.id], name=name))
    ids = {entry.id for entry in project.entries}
    moved: dict[str, str] = {}
    entries: list[Entry] = []
    for entry in other.entries:
        moved[entry.id] = fresh_id(entry.id, ids)
        ids.add(moved[entry.id])
        entries.append(replace(entry, id=moved[entry.id], sample=samples.get(entry.sample, "")))
    ties = tuple(tie.__class__(_place(tie.target, moved), _formula(tie.formula, moved), tie.note) for tie in other.ties)
    return replace(project, entries=(*project.entries, *entries), ties=(*project.ties, *ties)), names


def _place(text: str, ids: dict[str, str]) -> str:
    entry, _, rest = text.partition("/")
    return f"{ids.get(entry, entry)}/{rest}"


def _formula(text: str, ids: dict[str, str]) -> str:
    return re.sub(r"\{([^{}]+)\}", lambda match: "{" + _place(match[1], ids) + "}", text)


def _without(project: Project, names: set[str]) -> Project:
    """A project without the samples of these names."""
    gone = {sample.id for sample in project.samples if sample.name in names}
    entries = tuple(entry for entry in project.entries if entry.sample not in gone)
    kept: tuple[Sample, ...] = tuple(sample for sample in project.samples if sample.id not in gone)
    ids = {entry.id for entry in entries}
    ties = tuple(tie for tie in project.ties if tie.target.partition("/")[0] in ids)
    return replace(project, samples=kept, entries=entries, ties=ties)


def write_folder_table(path: Path, project: Project, failures: Sequence[Failure] = ()) -> None:
    """One row a file or level: positions, widths, areas and at.% with errors, reduced chi2, flags; failed files too.

    Raises
    ------
    CannotWrite
    """
    places = trends.points(project)
    wanted = [q for q in trends.quantities(project, places) if q.kind != "share"]
    heads, rows = trends.table(trends.trend(project, places, wanted))
    seen = {point.file for point in places}
    lost: dict[str, list[str]] = {}
    for failure in failures:
        if failure.file not in seen:
            lost.setdefault(failure.file, []).append(failure.what)
    for file, what in lost.items():
        rows.append([len(rows) + 1, None, file, *[None] * (len(heads) - 4), "; ".join(what)])
    write_table(path, heads, rows)


def _name(path: Path) -> str:
    return str(path)
