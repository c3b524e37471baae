"""Mass spectra in a project: mass scale, peak list, names."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from app.project.project import Entry, Project, fresh_id
from fitting.dataset import FloatArray, Spectrum
from fitting.recipe import Step
from fitting.sims import assignment, peaks
from fitting.sims.assignment import Option, Polarity
from fitting.sims.lines import LIMIT_WIDTHS, Line, measure
from fitting.sims.mass_calibration import MassCalibration
from fitting.sims.setup import MassPeak, MassSetup
from libraries.errors import BadData, NotDetermined, SodaliteError
from libraries.ions import parse_ion

Progress = Callable[[float, str], None]
Cancel = Callable[[], bool]
RESOLUTION = 6000.0  # where no line tells m/dm: the source paper's at m/z 63


@dataclass(frozen=True, eq=False)
class MassView:
    """A mass spectrum on its m/z as the window shows it.

    Attributes
    ----------
    mz, counts : array, shape (n,)
        After the recipe, summed over pixels; m/z is times^2 where there is no scale yet.
    law : MassCalibration or None
        From times (channels, or roots of the file's m/z) to m/z; None without a scale.
    scaled : bool
        Whether the axis is m/z.
    times : str
        "channel", or "root" for files without channels.
    """

    mz: FloatArray
    counts: FloatArray
    law: MassCalibration | None
    scaled: bool
    times: str

    def equals(self, other: MassView) -> bool:
        """Whether both show the same counts on the same m/z."""
        if self is other:
            return True
        return np.array_equal(self.mz, other.mz) and np.array_equal(self.counts, other.counts)

    @cached_property
    def widths(self) -> peaks.WidthLaw:
        """How wide its lines are."""
        return peaks.width_law(self.mz, self.counts)

    def time(self, x: float) -> float:
        """Time of flight (channel) of a place on the shown axis."""
        if self.law is not None:
            return float(self.law.channel(max(x, 0.0)))
        return math.sqrt(max(x, 0.0)) if self.scaled else x

    def place(self, x: float) -> float:
        """m/z (in the sense of `mz`) of a place on the shown axis."""
        return x if self.scaled else x * x


def view_of(entry: Entry, shown: Spectrum) -> MassView:
    """What the plot shows, for finding lines.

    Raises
    ------
    BadData
        If the axis is neither channels nor m/z, or the intensities are no counts.
    """
    y = shown.y if not shown.navigation else shown.summed().y
    step = scale_step(entry)
    times = "channel" if entry.spectrum.axis.quantity == "channel" else "root"
    if shown.axis.quantity not in ("channel", "mass") or float(shown.x[0]) < 0:
        raise BadData("This is no mass spectrum", where=entry.title)
    scaled = shown.axis.quantity == "mass"
    mz = shown.x if scaled else np.square(shown.x)
    law = None
    if step is not None:
        law = MassCalibration(step.number("slope"), step.number("offset"), np.full((2, 2), np.nan))
    return MassView(mz, y, law, scaled, times)


def scale_step(entry: Entry) -> Step | None:
    """The active step to m/z."""
    return next((step for step in reversed(entry.recipe.active) if step.kind == "mass_scale"), None)


# -- polarity ---------------------------------------------------------------------------------------------------


def polarity_of(entry: Entry) -> Polarity | None:
    """As the analyst, the file, the calibrants or the peaks say, in this order; None where none does."""
    setup = entry.masses
    said = [setup.polarity, dict(entry.spectrum.meta.extra).get("polarity", "").lower()]
    for text in (*(ion for ion, _ in setup.calibrants), *(peak.name for peak in setup.peaks)):
        try:
            said.append(parse_ion(text).polarity)
        except SodaliteError:
            continue
    for word in said:
        if word in ("positive", "negative"):
            return word  # type: ignore[return-value]
    return None


def with_setup(project: Project, entry_id: str, **changes: object) -> Project:
    """The project with other settings of a spectrum's masses (fields of `MassSetup`)."""
    entry = project.entry(entry_id)
    setup: MassSetup = replace(entry.masses, **changes)  # type: ignore[arg-type]
    return project if setup == entry.masses else project.with_entry(replace(entry, masses=setup))


# -- peaks ------------------------------------------------------------------------------------------------------


def tolerance_of(entry: Entry) -> float:
    """ppm within which an ion may name a line."""
    return entry.masses.tolerance or assignment.TOLERANCE


def resolution_of(entry: Entry, lines: Sequence[Line] = ()) -> float:
    """m/dm for lines too weak to tell their own: as the analyst says, the median of the strong ones, or the default."""
    if entry.masses.resolution > 0:
        return entry.masses.resolution
    told = [one.resolution for one in lines if one.told]
    limits = [LIMIT_WIDTHS * one.mass / (one.high - one.low) for one in lines if one.coarse]
    return float(np.median(told or limits or [RESOLUTION]))


def find_peaks(
    entry: Entry, view: MassView, progress: Progress = lambda _f, _t: None, cancel: Cancel = lambda: False
) -> tuple[MassPeak, ...]:
    """The lines of a spectrum, named where the polarity is known.

    Raises
    ------
    NotDetermined
        If there is no mass scale.
    BadData
        If the intensities are no counts.
    """
    _need_scale(view)
    found = peaks.find_lines(view.mz, view.counts, resolution=entry.masses.resolution, progress=progress, cancel=cancel)
    return tuple(name_line(entry, view, line, found.lines) for line in found.lines)


def _need_scale(view: MassView) -> None:
    if not view.scaled:
        raise NotDetermined("Peaks are found on m/z, and this spectrum has no mass scale yet",
                            todo="Calibrate it first: name two lines, and apply")


def name_line(entry: Entry, view: MassView, line: Line, lines: Sequence[Line] = (), chosen: str = "") -> MassPeak:
    """A line as a peak with its name and all that stays possible."""
    return assignment.named(line, options_of(entry, view, line, lines), chosen)


def options_of(
    entry: Entry, view: MassView, line: Line, lines: Sequence[Line] = (), elements: Sequence[str] = ()
) -> tuple[Option, ...]:
    """Everything that a line may be; formulas of elements too where some are given."""
    polarity = polarity_of(entry)
    if polarity is None:
        return ()
    tolerance = tolerance_of(entry)
    formulas = assignment.formulas_of(line.mass, polarity, elements, tolerance=tolerance) if elements else ()
    return assignment.options_of(
        line, view.mz, view.counts, assignment.known_ions(polarity, entry.masses.ions), tolerance=tolerance,
        resolution=_resolution_here(entry, line, lines), formulas=formulas, known=lines,
    )  # fmt: skip


def _resolution_here(entry: Entry, line: Line, lines: Sequence[Line]) -> float:
    """m/dm at a line too weak or too coarse to tell its own: of the nearest lines that tell theirs."""
    if entry.masses.resolution > 0:
        return entry.masses.resolution
    told = sorted((one for one in lines if one.told), key=lambda one: abs(one.mass - line.mass))[:9]
    if not told:
        return max(LIMIT_WIDTHS * line.mass / (line.high - line.low), 1.0)
    return float(np.median([one.resolution for one in told]))


def measured(entry: Entry, view: MassView) -> tuple[Line | None, ...]:
    """Counts, centroid and width of every peak of the list; None for one outside the spectrum."""
    inside = []
    for peak in entry.masses.peaks:
        i, j = np.searchsorted(view.mz, (peak.low, peak.high))
        inside.append(bool(j > i))
    limits = [(one.low, one.high) for one, there in zip(entry.masses.peaks, inside, strict=True) if there]
    lines = iter(measure(view.mz, view.counts, limits))
    return tuple(next(lines) if there else None for there in inside)


def with_peaks(project: Project, entry_id: str, found: Sequence[MassPeak]) -> Project:
    """The project with this peak list, by ascending m/z."""
    return with_setup(project, entry_id, peaks=tuple(sorted(found, key=lambda one: one.mass)))


def listed(entry: Entry, view: MassView, found: Sequence[MassPeak], where: str = "") -> tuple[MassPeak, ...]:
    """Peaks of a file for this spectrum; lines without a name are called by their m/z there.

    Raises
    ------
    BadData
        If they are ions of the other polarity, or none lies within the spectrum.
    """
    if not view.scaled:
        _need_scale(view)
    peaks_ = tuple(replace(one, name="") if one.name.startswith("m/z ") else one for one in found)
    polarity = polarity_of(replace(entry, masses=replace(entry.masses, peaks=())))
    for one in peaks_:
        of_polarity(one.name, polarity)
    if not any(view.mz[0] <= one.mass <= view.mz[-1] for one in peaks_):
        raise BadData("No peak of this list lies within the spectrum", where=where,
                      todo="Check mass scale and polarity")
    return peaks_


def of_polarity(text: str, polarity: Polarity | None) -> None:
    """Raises BadData if a text is an ion of the other polarity."""
    try:
        ion = parse_ion(text)
    except SodaliteError:
        return
    if polarity is not None and ion.polarity != polarity:
        raise BadData(f"{ion} is no {polarity} ion, and this is a spectrum of {polarity} ions",
                      todo="Take ions of its polarity, or correct the polarity on the Mass page")


def add_peak(project: Project, entry_id: str, view: MassView, x: float, reach: float) -> tuple[Project, MassPeak]:
    """The project with the line at a place in the list.

    Raises
    ------
    NotDetermined, BadData
        If there is no line, or it is in the list already.
    """
    _need_scale(view)
    entry = project.entry(entry_id)
    line = peaks.line_at(view.mz, view.counts, x, reach, view.widths)
    if any(one.low <= line.mass <= one.high for one in entry.masses.peaks):
        raise BadData(f"The line at m/z {line.mass:.4f} is in the list already")
    known = [one for one in measured(entry, view) if one is not None]
    peak = name_line(entry, view, line, known)
    return with_peaks(project, entry_id, (*entry.masses.peaks, peak)), peak


def with_limits(project: Project, entry_id: str, number: int, low: float, high: float) -> Project:
    """The project with other limits of a peak."""
    old = project.entry(entry_id).masses.peaks
    if not low < high:
        raise BadData("The limits of a peak must ascend")
    changed = replace(old[number], low=low, high=high, mass=min(max(old[number].mass, low), high))
    return with_setup(project, entry_id, peaks=(*old[:number], changed, *old[number + 1 :]))


def renamed(project: Project, entry_id: str, view: MassView, number: int, name: str) -> Project:
    """The project with another name of a peak: a formula keeps the alternatives that stay possible; "" takes it away.

    Raises
    ------
    BadData
        If the ion has the other polarity.
    """
    entry = project.entry(entry_id)
    old = entry.masses.peaks
    name = name.strip()
    try:
        ion = parse_ion(name)
    except SodaliteError:
        changed = replace(old[number], name=name, alternatives=())  # a free name, as SurfaceLab has them
    else:
        of_polarity(ion.text, polarity_of(entry))
        lines = measured(entry, view)
        line = lines[number]
        known = [one for one in lines if one is not None]
        fresh = name_line(entry, view, line, known, ion.text) if line is not None else None
        changed = replace(old[number], name=ion.text, alternatives=fresh.alternatives if fresh else ())
    return with_setup(project, entry_id, peaks=(*old[:number], changed, *old[number + 1 :]))


def rename_all(entry: Entry, view: MassView) -> tuple[MassPeak, ...]:
    """The peak list named anew from mass, width and isotopes."""
    lines = measured(entry, view)
    known = [one for one in lines if one is not None]
    return tuple(peak if line is None else replace(name_line(entry, view, line, known), low=peak.low, high=peak.high)
                 for peak, line in zip(entry.masses.peaks, lines, strict=True))


# -- images of peaks --------------------------------------------------------------------------------------------


def images_of(
    entry: Entry, progress: Progress = lambda _f, _t: None, cancel: Cancel = lambda: False
) -> Spectrum:
    """Every pixel's counts between the limits of the peaks.

    Raises
    ------
    BadData
        If there is no peak, or the data are a single spectrum.
    """
    from fitting.sims.ions_of import ions_of

    if not entry.masses.peaks or not entry.spectrum.navigation:
        raise BadData("Images need peaks, and a mass spectrum in every pixel", where=entry.title)
    return ions_of(entry.processed(), entry.masses.peaks, progress=progress, cancel=cancel)


def with_images(project: Project, entry_id: str, image: Spectrum) -> Project:
    """The project with images of peaks as an entry of their own."""
    entry = project.entry(entry_id)
    id = fresh_id(f"{entry.id}_ions", {one.id for one in project.entries})
    setup = MassSetup(resolution=entry.masses.resolution, pulses=entry.masses.pulses, polarity=polarity_of(entry) or "")
    return project.with_entry(Entry(id, image, entry.sample, f"{entry.title}, ions", masses=setup))
