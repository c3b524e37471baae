"""Killed saves and damaged files: the old or the new project opens, or a BadProject says why not; nothing else."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import h5py
import numpy as np
import pytest

from app.project import store
from tests.app.project import save_loop
from tests.app.project.projects import full_project

ROOT = Path(__file__).resolve().parents[3]
# Opening a case takes some ms; a case without an outcome after this time hangs.
HANG_SECONDS = 20.0


def _start(module: str, *arguments) -> subprocess.Popen:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", f"tests.app.project.{module}", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env=environment, text=True)


def _kill_during_save(folder: Path, rounds: int, wanted: int) -> int:
    """How many of the kills met a save that was writing; after each one the file is one of the two projects.

    At least `rounds` kills, and more (up to ten times as many) until `wanted` of them have met one.
    """
    path = folder / "a.sodalite"
    projects = [save_loop.project(n) for n in (1, 2)]
    store.save(projects[0], path)
    rng = np.random.default_rng(5)
    pause = threading.Event()
    met = done = 0
    while done < rounds or (met < wanted and done < 10 * rounds):
        process = _start("save_loop", path)
        assert process.stdout.readline() == "ready\n"
        pause.wait(float(rng.uniform(0.0, 0.15)))
        if done % 2:  # as soon as it begins to write
            end = time.monotonic() + 5
            while not any(folder.glob(".sodalite-*.tmp")) and time.monotonic() < end:
                pass
        process.kill()
        process.wait()
        process.stdout.close()
        loaded = store.load(path)
        assert any(loaded.equals(project) for project in projects)
        met += store.sweep(folder, seconds=-1) > 0
        assert list(folder.iterdir()) == [path]
        done += 1
    store.save(projects[1], path)
    assert store.load(path).equals(projects[1])
    return met


def test_a_killed_save_leaves_the_old_or_the_new_project(tmp_path):
    assert _kill_during_save(tmp_path, 6, 2) >= 2


@pytest.mark.full
def test_killed_saves_leave_the_old_or_the_new_project(tmp_path, measured):
    met = _kill_during_save(tmp_path, 100, 20)
    measured("project saves killed while writing, each of which left a good project", met, "kills", ">= 20")
    assert met >= 20


# ------------------------------------------------------------------------------------------------- damaged files


def _small(folder: Path, old_format: bool) -> Path:
    """A small project file; in the oldest format of HDF5 no structure has a checksum, so damage gets further."""
    project = full_project()
    path = folder / "small.sodalite"
    store.save(project, path)
    if old_format:
        old = folder / "old.sodalite"
        with h5py.File(path) as source, h5py.File(old, "w", libver=("earliest", "v108")) as target:
            target.attrs.update(source.attrs)
            for name in source:
                source.copy(name, target)
        assert store.load(old).equals(project)
        return old
    return path


def _outcomes(file: Path, count: int) -> Counter:
    """Outcome of each mutation; a process that dies or hangs is replaced and goes on after that case."""
    counts: Counter = Counter()
    while counts.total() < count:
        process = _start("fuzz_load", file, counts.total(), count)
        lines: queue.Queue = queue.Queue()
        reader = threading.Thread(target=_pass_on, args=(process.stdout, lines))
        reader.start()
        while (outcome := _outcome(lines)) not in ("crashes", "hangs", "end"):
            counts[outcome] += 1
        process.kill()
        process.wait()
        reader.join()
        process.stdout.close()
        if outcome != "end":
            counts[outcome] += 1
        else:
            assert counts.total() == count, "the process ended before its last case"
    return counts


def _pass_on(pipe, lines: queue.Queue) -> None:
    for line in pipe:
        lines.put(line)
    lines.put("")


def _outcome(lines: queue.Queue) -> str:
    """What came of one case, from its line "number outcome"; a line without an outcome is a crash."""
    try:
        line = lines.get(timeout=HANG_SECONDS)
    except queue.Empty:
        return "hangs"
    words = line.split(maxsplit=1)
    return "end" if not words else words[1].strip() if len(words) == 2 else "crashes"


@pytest.mark.parametrize("old_format", [False, True], ids=["ours", "oldest format"])
def test_damaged_files_open_the_same_or_are_refused(tmp_path, old_format):
    counts = _outcomes(_small(tmp_path, old_format), 150)
    assert set(counts) <= {"same", "refused"}, counts
    assert counts["refused"] > 50


@pytest.mark.full
@pytest.mark.parametrize("old_format", [False, True], ids=["ours", "oldest format"])
def test_many_damaged_files_open_the_same_or_are_refused(tmp_path, old_format, measured):
    """In the oldest format the library itself may die; `load_in_child` is for that (see test_store_child)."""
    counts = _outcomes(_small(tmp_path, old_format), 3000)
    name = "damaged project files" + (" (oldest HDF5 format)" if old_format else "")
    for outcome in ("same", "refused", "hangs", "crashes"):
        measured(f"{name}: {outcome}", counts[outcome], "of 3000")
    assert set(counts) <= {"same", "refused", *(("hangs", "crashes") if old_format else ())}, counts
