"""Mass spectra in a project: mass scale, peak list, names."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from app.project.process import with_recipe
from app.project.project import Entry, Project, fresh_id
from fitting.dataset import FloatArray, Spectrum
from fitting.processing.dead_time_step import dead_time_step, recorded_of
from fitting.processing.mass_scale import flight_times, mass_scale_step
from fitting.recipe import Recipe, Step
from fitting.sims import assignment, peaks
from fitting.sims.assignment import Option, Polarity
from fitting.sims.dead_time import FEWEST_FREE, saturated_lines, state_of
from fitting.sims.lines import LIMIT_WIDTHS, Line, measure
from fitting.sims.mass_calibration import Calibrant, MassCalibration, Pick, Suggestion, calibrate, further_calibrants
from fitting.sims.setup import MassPeak, MassSetup
from libraries.errors import BadData, NotDetermined, SodaliteError
from libraries.ions import parse_ion

Progress = Callable[[float, str], None]
Cancel = Callable[[], bool]
REACH = 400e-6  # how far from its m/z by the present scale an ion's line is looked for; ours
LOST = 0.03  # part of a raw line's ions lost in the dead time from which the table says so; ours
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


# -- calibration ------------------------------------------------------------------------------------------------


def line_near(view: MassView, x: float, reach: float) -> Pick:
    """The line at a place of the shown axis: centroid, width and error in channels.

    Raises
    ------
    NotDetermined
        If there is no line.
    """
    place = view.place(x)
    wide = reach if view.scaled else max(2.0 * x * reach, 0.0)
    try:
        line = peaks.line_at(view.mz, view.counts, place, wide, view.widths)
    except NotDetermined as error:
        if view.scaled:
            raise
        raise NotDetermined(f"No line stands out at channel {x:.0f}", todo=error.todo) from error
    return pick_of(view, line)


def pick_of(view: MassView, line: Line) -> Pick:
    """A measured line in channels."""
    root = math.sqrt(line.mass)
    slope = view.law.slope if view.law is not None else 1.0
    channel = float(view.law.channel(line.mass)) if view.law is not None else root
    scale = slope / (2.0 * root)  # dt/dm
    error = line.mass_error * scale
    width = (line.width if line.width > 0 else (line.high - line.low) / 3.0) * scale
    return Pick(channel, width, line.counts, error)


def calibration_of(entry: Entry, view: MassView) -> MassCalibration | None:
    """The law of the kept calibrants that are used; None for fewer than two.

    Raises
    ------
    BadData
        If the calibrants contradict (two polarities, one m/z twice).
    """
    used = [one for one in calibrants_of(entry, view) if one.ion.text not in entry.masses.unused]
    return calibrate(used) if len(used) > 1 else None


def calibrants_of(entry: Entry, view: MassView) -> tuple[Calibrant, ...]:
    """All kept calibrants by ascending m/z, with the errors of their centroids."""
    found = []
    for text, channel in entry.masses.calibrants:
        error: float | None = None
        x = float(view.law.mz(channel)) if view.law is not None else channel * channel if view.scaled else channel
        if math.isfinite(x):
            try:
                error = line_near(view, x, _fine(view, x)).error
            except SodaliteError:
                error = None
        found.append(Calibrant(parse_ion(text), channel, error if error and math.isfinite(error) else None))
    return tuple(sorted(found, key=lambda one: one.ion.mz))


def _fine(view: MassView, x: float) -> float:
    """One channel and a half at a place of the shown axis."""
    place = view.place(x)
    i = int(np.clip(np.searchsorted(view.mz, place), 1, view.mz.size - 1))
    step = float(view.mz[i] - view.mz[i - 1])
    return 1.5 * (step if view.scaled else step / max(2.0 * x, 1e-9))


def with_calibrant(project: Project, entry_id: str, ion: str, channel: float) -> Project:
    """The project with a named line as a calibrant; an ion has one line."""
    entry = project.entry(entry_id)
    text = parse_ion(ion).text
    kept = [one for one in entry.masses.calibrants if not parse_ion(one[0]).same_atoms(parse_ion(text))]
    polarity = parse_ion(text).polarity
    if kept and parse_ion(kept[0][0]).polarity != polarity:
        raise BadData("Positive and negative calibrants are mixed", todo="Calibrate each polarity with its own ions")
    unused = tuple(one for one in entry.masses.unused if one != text)
    return with_setup(project, entry_id, calibrants=(*kept, (text, float(channel))), unused=unused)


def without_calibrant(project: Project, entry_id: str, ion: str) -> Project:
    """The project without that calibrant."""
    masses = project.entry(entry_id).masses
    kept = tuple(one for one in masses.calibrants if one[0] != ion)
    return with_setup(project, entry_id, calibrants=kept, unused=tuple(one for one in masses.unused if one != ion))


def find_calibrants(view: MassView, ions: Sequence[str]) -> tuple[tuple[tuple[str, float], ...], tuple[str, ...]]:
    """Lines of ions near where the present scale expects them: (ion, channel) each, and the ions without a line.

    Raises
    ------
    NotDetermined
        If there is no scale yet.
    """
    if not view.scaled:
        raise NotDetermined("Ions are looked for near their m/z, and this spectrum has no mass scale yet",
                            todo="Click two ions first, and apply")
    found, missing = [], []
    for text in ions:
        exact = parse_ion(text).mz
        try:
            pick = line_near(view, exact, max(REACH * exact, 0.5 * view.widths.at(view.mz, exact)))
        except SodaliteError:
            missing.append(text)
        else:
            found.append((parse_ion(text).text, pick.channel))
    return tuple(found), tuple(missing)


def suggestions(
    entry: Entry, view: MassView, law: MassCalibration, lines: Sequence[Line], target: float
) -> tuple[Suggestion, ...]:
    """Lines worth naming next for the scale at an m/z; empty without a polarity or a present scale."""
    polarity = polarity_of(entry)
    if polarity is None or view.law is None:
        return ()
    picks = [pick_of(view, line) for line in lines if line.counts > 100 and math.isfinite(line.mass_error)]
    among = assignment.known_ions(polarity, entry.masses.ions)
    return further_calibrants(law, picks, among, target, tolerance=tolerance_of(entry),
                              resolution=resolution_of(entry, lines))


def apply_scale(project: Project, entry_id: str, law: MassCalibration) -> Project:
    """The project with this law as the step to m/z, in the place of the present one; the peak list moves along."""
    entry = project.entry(entry_id)
    names = ", ".join(one.ion.text for one in law.calibrants)
    step = mass_scale_step(law.slope, law.offset, f"calibrated on {names}" if names else "")
    steps = entry.recipe.steps
    at = next((i for i, one in enumerate(steps) if one.kind == "mass_scale"), None)
    if at is None:
        recipe = entry.recipe.with_front(step)
    else:
        others = tuple(one for one in steps[at + 1 :] if one.kind != "mass_scale")
        recipe = Recipe((*steps[:at], step, *others))
    before = scale_step(entry)
    flight_times(entry.spectrum)
    project = with_recipe(project, entry_id, recipe)
    if before is None:
        return project
    old = MassCalibration(before.number("slope"), before.number("offset"), np.full((2, 2), np.nan))

    def moved(mass: float) -> float:
        return float(law.mz(old.channel(mass)))

    kept = tuple(replace(one, mass=moved(one.mass), low=moved(one.low), high=moved(one.high))
                 for one in entry.masses.peaks)
    return with_setup(project, entry_id, peaks=kept)


# -- peaks ------------------------------------------------------------------------------------------------------


def tolerance_of(entry: Entry) -> float:
    """ppm within which an ion may name a line."""
    return entry.masses.tolerance or assignment.TOLERANCE


def resolution_of(entry: Entry, lines: Sequence[Line] = ()) -> float:
    """m/dm for lines too weak to tell their own: as the analyst says, the median of the strong ones, or the default."""
    if entry.masses.resolution > 0:
        return entry.masses.resolution
    told = [one.resolution for one in lines if one.width > 0]
    return float(np.median(told)) if told else RESOLUTION


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
    told = sorted((one for one in lines if one.width > 0), key=lambda one: abs(one.mass - line.mass))[:9]
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


def listed(found: Sequence[MassPeak]) -> tuple[MassPeak, ...]:
    """Peaks of a file, in which lines without a name are called by their m/z."""
    return tuple(replace(one, name="") if one.name.startswith("m/z ") else one for one in found)


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
        polarity = polarity_of(entry)
        if polarity is not None and ion.polarity != polarity:
            raise BadData(f"{ion} is no {polarity} ion", todo="Write its charge as the polarity of the measurement")
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


# -- dead time --------------------------------------------------------------------------------------------------


def dead_time_of(entry: Entry) -> Step | None:
    """The active dead-time correction."""
    return next((step for step in entry.recipe.active if step.kind == "dead_time"), None)


def may_correct(entry: Entry) -> str:
    """Why the dead time cannot be corrected here, "" where it can."""
    spectrum = entry.spectrum
    recorded = recorded_of(spectrum)
    if recorded == "on":
        return "Corrected by the instrument's software already, as the file says."
    if spectrum.axis.quantity != "channel":
        return "A correction needs the channels of the recorder, which this file does not hold."
    if spectrum.x.size > 1 and spectrum.axis.step != 1.0:
        return f"Channels are joined by {spectrum.axis.step:g} in the file: a correction needs single ones."
    if not spectrum.navigation and recorded is None and state_of(spectrum.counts) == "corrected":
        return "The counts are no whole numbers: they are corrected, smoothed or scaled already."
    return ""


def correct(project: Project, entry_id: str, pulses: float, channels: int) -> Project:
    """The project with the dead-time correction as the first step of a spectrum's recipe.

    Raises
    ------
    BadData
        See `fitting.processing.dead_time_step`.
    """
    entry = project.entry(entry_id)
    reason = may_correct(entry)
    if reason:
        raise BadData(reason.rstrip("."), where=entry.title)
    others = tuple(step for step in entry.recipe.steps if step.kind != "dead_time")
    step = dead_time_step(pulses, channels)
    project = with_recipe(project, entry_id, Recipe((step, *others)))
    return with_setup(project, entry_id, pulses=float(pulses))


def uncorrected(project: Project, entry_id: str) -> Project:
    """The project without the correction."""
    return with_recipe(project, entry_id, project.entry(entry_id).recipe.without_kind("dead_time"))


def pulses_of(entry: Entry) -> float:
    """Primary pulses: as the analyst or the file says, 0 where neither does."""
    try:
        return entry.masses.pulses or float(dict(entry.spectrum.meta.extra).get("pulses", "0"))
    except ValueError:
        return 0.0


def strength(entry: Entry, lines: Sequence[Line | None]) -> tuple[str, ...]:
    """What is wrong with lines that are too strong for the detector, "" for all others, and where pulses are not known.

    Raw lines lose counts: of N pulses with lambda ions each, N (1 - exp(-lambda)) are counted. Corrected ones are
    extrapolated where fewer than 100 pulses stayed without an ion (`saturated_lines`).
    """
    pulses = pulses_of(entry)
    if pulses <= 0:
        return tuple("" for _ in lines)
    counts = np.array([0.0 if one is None else max(one.counts, 0.0) for one in lines])
    if dead_time_of(entry) is not None or recorded_of(entry.spectrum) == "on":
        return tuple("saturated" if one else "" for one in saturated_lines(counts, pulses))
    words = []
    for one in counts:
        if pulses - one < FEWEST_FREE:
            words.append("saturated")
            continue
        share = float(one / pulses)
        lost = 1.0 + share / math.log1p(-share) if share > 0 else 0.0
        words.append(f"about {100 * lost:.0f} % of its ions lost in the dead time" if lost > LOST else "")
    return tuple(words)


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
