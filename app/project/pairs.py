"""Low and core loss of one scan (dual EELS): found when files are opened, or said by hand.

A pair is only made where one can be certain: images or series of the same pixels that were opened together, without a
second candidate. Single spectra belong together by their names alone ("SrTiO3_low_loss", "SrTiO3_core_loss").
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import PurePath

from app.project.project import Entry, Project
from fitting.dataset import Axis, Spectrum
from libraries.errors import BadData

# Words by which programs and people tell the two apart; what is left of a name is the name of the scan.
_WORDS = re.compile(
    r"(?<![a-z])(low|high|core|ll|hl|cl|loss|zero|zlp|lowloss|highloss|coreloss|eels|spectrum|image|si)(?![a-z])"
)
_LOW = re.compile(r"(?<![a-z])(low|ll|lowloss|zlp)(?![a-z])")
_CORE = re.compile(r"(?<![a-z])(high|core|hl|cl|highloss|coreloss)(?![a-z])")
_STEPS = 0.01  # relative difference of pixel sizes that are the same


def pair_up(project: Project, ids: Collection[str] | None = None) -> Project:
    """The project with the low loss of every core loss among the entries (by default all) that has a certain one.

    Entries that have a low loss already, or where two would do, are left as they are.
    """
    entries = [e for e in project.entries if (ids is None or e.id in ids) and _is_loss(e.spectrum)]
    lows = [entry for entry in entries if has_zero(entry.spectrum)]
    cores = [entry for entry in entries if entry.spectrum.x[0] > 0 and not entry.low_loss]
    for core in cores:
        low = _partner(core, lows, cores)
        if low is not None:
            project = project.with_entry(replace(project.entry(core.id), low_loss=low.id))
    return project


def pair_words(before: Project, after: Project) -> tuple[str, ...]:
    """What pairing found, in words."""
    old = {entry.id: entry.low_loss for entry in before.entries}
    found = [entry for entry in after.entries if entry.low_loss and entry.low_loss != old.get(entry.id)]
    return tuple(f"{after.entry(e.low_loss).title} is taken as the low loss of {e.title}" for e in found)


def has_zero(spectrum: Spectrum) -> bool:
    """Whether the axis reaches over the zero-loss peak."""
    return bool(spectrum.x[0] < 0 < spectrum.x[-1])


def use_as_low_loss(project: Project, ids: Iterable[str]) -> tuple[Project, Entry, Entry]:
    """Of two chosen entries the one whose axis holds 0 eV becomes the low loss of the other.

    Returns
    -------
    project, low, core

    Raises
    ------
    BadData
        If there are not two, or none or both of them could be the low loss, or their pixels do not fit.
    """
    chosen = [project.entry(id) for id in ids]
    if len(chosen) != 2:
        raise BadData("A low loss and the spectrum that it belongs to are needed", todo="Choose the two in the list")
    for entry in chosen:
        if not _is_loss(entry.spectrum):
            raise BadData("This is no energy-loss spectrum", where=entry.title, todo="Choose a low and a core loss")
    lows = [entry for entry in chosen if has_zero(entry.spectrum)]
    if len(lows) != 1:
        what = "The axis of neither holds 0 eV" if not lows else "The axes of both hold 0 eV"
        raise BadData(
            f"{what}, so that it is not clear which is the low loss", where=" and ".join(e.title for e in chosen),
            todo="Choose one spectrum with the zero-loss peak and one without",
        )  # fmt: skip
    (low,) = lows
    core = next(entry for entry in chosen if entry is not low)
    if low.spectrum.navigation and _shape(low.spectrum) != _shape(core.spectrum):
        raise BadData(
            f"An image of {_size(low.spectrum)} has not the pixels of {_size(core.spectrum)}", where=low.title,
            todo="Use its sum over all pixels: Data > Sum of the chosen, or a region's spectrum",
        )  # fmt: skip
    core = replace(core, low_loss=low.id)
    return project.with_entry(core), low, core


def _is_loss(spectrum: Spectrum) -> bool:
    return spectrum.axis.quantity == "energy_loss" and not spectrum.curve


def _shape(spectrum: Spectrum) -> tuple[int, ...]:
    return tuple(len(axis) for axis in spectrum.navigation)


def _size(spectrum: Spectrum) -> str:
    return " × ".join(map(str, _shape(spectrum))) + " pixels" if spectrum.navigation else "one spectrum"


def _partner(core: Entry, lows: list[Entry], cores: list[Entry]) -> Entry | None:
    """The only low loss that certainly belongs to a core loss."""
    fitting = [low for low in lows if _same_scan(low.spectrum, core.spectrum)]
    named = [low for low in fitting if _same_name(low, core)]
    if len(named) == 1 and (core.spectrum.navigation or _told(named[0], core)):
        return named[0]
    if not core.spectrum.navigation or len(fitting) != 1:
        return None
    # Without a name in common: only where no other core loss could have this low loss.
    rivals = [one for one in cores if _same_scan(fitting[0].spectrum, one.spectrum) and not _same_name(one, core)]
    return None if rivals else fitting[0]


def _told(low: Entry, core: Entry) -> bool:
    """Whether the names of single spectra say which is which."""
    return bool(_LOW.search(_name(low))) and not _LOW.search(_name(core)) and not _CORE.search(_name(low))


def _name(entry: Entry) -> str:
    """What a file and its spectrum are called, in small letters with blanks."""
    meta = entry.spectrum.meta
    stem = PurePath(meta.file).stem if meta.file else ""
    return re.sub(r"[\W_]+", " ", f"{stem} {meta.title}".lower())


def _same_name(one: Entry, other: Entry) -> bool:
    """Whether two names are the same but for the words that tell low from core loss; of two files theirs alone do."""
    files = [_stem(PurePath(entry.spectrum.meta.file).stem) for entry in (one, other)]
    if one.spectrum.meta.file != other.spectrum.meta.file and all(files):
        return files[0] == files[1]
    return _stem(_name(one)) == _stem(_name(other))


def _stem(name: str) -> str:
    """What is left of a name; repeated words count once."""
    return " ".join(dict.fromkeys(_WORDS.sub(" ", re.sub(r"[\W_]+", " ", name.lower())).split()))


def _same_scan(low: Spectrum, core: Spectrum) -> bool:
    """Whether the pixels are the same in number and, where they are lengths, in size, and the beam in energy."""
    if _shape(low) != _shape(core):
        return False
    beams = (low.meta.beam_energy, core.meta.beam_energy)
    if all(beams) and abs(beams[0] - beams[1]) > _STEPS * beams[0]:  # type: ignore[operator]
        return False
    return all(_same_steps(a, b) for a, b in zip(low.navigation, core.navigation, strict=True))


def _same_steps(one: Axis, other: Axis) -> bool:
    if one.quantity != "distance" or other.quantity != "distance":
        return True
    return abs(one.step - other.step) <= _STEPS * max(one.step, other.step)
