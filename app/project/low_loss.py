"""Low loss of an entry: thickness, band gap, dielectric function, plasmon model, sodium or carbon; no window.

Each takes a project, an entry and a place on its image. Where an entry is the core loss of a scan, its low loss is
used.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from app.project.loss_settings import LossSettings
from app.project.project import Entry, Project, RegionFit, fresh_id
from fitting.dataset import FloatArray, Spectrum
from fitting.eels.band_gap import BandGap, band_gap
from fitting.eels.conditions import beam_of
from fitting.eels.dielectric import DielectricFunction, atoms_per_nm3, dielectric_function
from fitting.eels.hypotheses import SodiumTest, sodium_test
from fitting.eels.hypothesis_maps import sodium_maps
from fitting.eels.log_ratio import LogRatio, absolute_map, gain_of, log_ratio, separated, thickness_map
from fitting.eels.low_loss import check_at_zero, low_loss_model, zero_of
from fitting.eels.thickness import MeanFreePath, iakoubovskii, jin_li, malis
from fitting.eels.zero_loss import locate
from fitting.image.place import ALL, Place
from fitting.processing.energy_axis import loss_scale_step
from fitting.recipe import Recipe
from fitting.solver import Cancel, Progress
from libraries.errors import BadData, NotDetermined, SodaliteError


@dataclass(frozen=True)
class Path:
    """One mean free path and the thickness that follows from it; both None with the reason where it is not known.

    Attributes
    ----------
    name : str
    path : MeanFreePath or None
    thickness, error : float
        nm; the error holds counting, the spread among the ways to take I0, and the stated accuracy of the formula.
    reason : str
    """

    name: str
    path: MeanFreePath | None
    thickness: float = math.nan
    error: float = math.nan
    reason: str = ""


@dataclass(frozen=True)
class Thickness:
    """t/lambda of what is shown, and absolute thicknesses beside each other."""

    ratio: LogRatio
    paths: tuple[Path, ...]


def low_loss_entry(project: Project, entry_id: str) -> Entry:
    """The entry itself where its axis holds the zero loss, else the low loss of its scan.

    Raises
    ------
    NotDetermined
        If there is none.
    """
    entry = project.entry(entry_id)
    spectrum = entry.spectrum
    if spectrum.axis.quantity != "energy_loss":
        raise NotDetermined("This is no energy-loss spectrum", where=entry.title)
    low, high = float(spectrum.x[0]), float(spectrum.x[-1])
    if low < 20.0 and high > 3.0 and low < 0.5 * high:
        return entry
    if entry.low_loss and any(other.id == entry.low_loss for other in project.entries):
        return project.entry(entry.low_loss)
    raise NotDetermined(f"The axis from {low:g} to {high:g} eV holds no zero-loss peak", where=entry.title,
                        todo="Choose the low loss of this scan")


def _single(project: Project, entry_id: str, place: Place) -> tuple[Entry, Spectrum]:
    """The low-loss entry and its spectrum at a place."""
    entry = low_loss_entry(project, entry_id)
    same = project.entry(entry_id) is entry
    return entry, entry.single(place if same or not place.roi else ALL)


def _reference(project: Project, settings: LossSettings) -> Spectrum | None:
    if not settings.reference:
        return None
    return project.entry(settings.reference).single()


def thickness_of(project: Project, entry_id: str, place: Place = ALL) -> Thickness:
    """t/lambda and thickness of the shown spectrum.

    Raises
    ------
    NotDetermined, BadData
        If t/lambda itself is not to be had; a missing density or angle is the reason of a path instead.
    """
    entry, spectrum = _single(project, entry_id, place)
    settings = entry.loss
    ratio = log_ratio(spectrum, settings.way, limit=settings.limit,  # type: ignore[arg-type]
                      reference=_reference(project, settings))
    return Thickness(ratio, tuple(_path(name, work, ratio) for name, work in mean_free_paths(entry, spectrum)))


def mean_free_paths(entry: Entry, spectrum: Spectrum) -> tuple[tuple[str, Callable[[], MeanFreePath]], ...]:
    """Names and calculations of the mean free paths for the material and beam of an entry."""
    settings, beam = entry.loss, beam_of(spectrum)

    def formula() -> str:
        if not settings.formula:
            raise NotDetermined("The material is not given", todo="Enter its formula")
        return settings.formula

    def density() -> float:
        if settings.density is None:
            raise NotDetermined("The density is not given", todo="Enter it in g/cm³")
        return settings.density

    return (
        ("Iakoubovskii", lambda: iakoubovskii(density(), beam)),
        ("Iakoubovskii, revised", lambda: iakoubovskii(density(), beam, revised=True)),
        ("Malis", lambda: malis(formula(), beam)),
        ("Jin and Li", lambda: jin_li(formula(), density(), beam)),
    )


def _path(name: str, work: Callable[[], MeanFreePath], ratio: LogRatio) -> Path:
    try:
        path = work()
    except SodaliteError as error:
        return Path(name, None, reason=str(error))
    value = ratio.chosen.value
    error = path.value * math.hypot(ratio.error, value * (path.relative_error or 0.0))
    return Path(name, path, value * path.value, error)


def thickness_maps(
    project: Project, entry_id: str, progress: Progress | None = None, cancel: Cancel | None = None
) -> Project:
    """The project with maps of t/lambda and, where material and beam are known, of the thickness by each formula."""
    entry = low_loss_entry(project, entry_id)
    image = entry.processed()
    settings = entry.loss
    relative = thickness_map(image, settings.way, limit=settings.limit,  # type: ignore[arg-type]
                             reference=_reference(project, settings), progress=progress, cancel=cancel)
    maps = [relative]
    for number, (name, work) in enumerate(mean_free_paths(entry, image)):
        try:
            path = work()
        except SodaliteError:
            continue
        maps.append(absolute_map(relative, path.value, name, path.relative_error, f"thickness_{number}"))
    return project.with_entry(entry.with_maps(maps))


# -- band gap and dielectric function ----------------------------------------------------------------------------------


def gap_of(project: Project, entry_id: str, place: Place = ALL) -> BandGap:
    """The band gap of the shown spectrum, in the window of the settings.

    Raises
    ------
    NotDetermined, BadData
        If the window is not chosen or holds no onset.
    """
    entry, spectrum = _single(project, entry_id, place)
    settings = entry.loss
    if settings.gap_low is None or settings.gap_high is None:
        raise NotDetermined("The window of the gap is not chosen", where=entry.title,
                            todo="Begin in the gap and end behind the onset")
    parts = separated(spectrum, settings.way, limit=settings.limit,  # type: ignore[arg-type]
                      reference=_reference(project, settings))
    energy = spectrum.x - parts.centre
    gain = gain_of(spectrum)
    smooth = np.convolve(np.maximum(spectrum.y, 0.0), np.full(5, 0.2), mode="same")
    variance = (gain if math.isfinite(gain) else 1.0) * np.maximum(smooth, 1e-6 * float(np.max(smooth)))
    line = _line(spectrum, parts.centre)
    seen = energy > parts.limit - parts.centre
    used = energy > 0.5 * float(locate(spectrum.x, spectrum.y).fwhm)
    found = band_gap(
        energy[used], parts.inelastic[used], variance[used], (settings.gap_low, settings.gap_high),
        settings.gap_kind, line=line, beam=beam_of(spectrum),  # type: ignore[arg-type]
        refractive_index=settings.refractive_index,
    )
    if not math.isfinite(gain):
        found = replace(found, warnings=(*found.warnings, "The gain of the detector cannot be told: errors of "
                                         "counting follow from the residuals"))
    if settings.gap_low < energy[seen][0]:
        words = (f"The window begins below {energy[seen][0]:.2f} eV, where everything counts as zero loss: choose a "
                 "way that separates the tail (mirrored tail, fitted, vacuum reference)")
        found = replace(found, warnings=(*found.warnings, words))
    return found


def _line(spectrum: Spectrum, centre: float) -> tuple[FloatArray, FloatArray]:
    """The core of the zero-loss peak, energies from its centre."""
    width = float(locate(spectrum.x, spectrum.y).fwhm)
    energy = spectrum.x - centre
    core = np.abs(energy) <= 3.0 * width
    return energy[core], np.maximum(spectrum.y[core], 0.0)


def dielectric_of(
    project: Project, entry_id: str, place: Place = ALL, progress: Progress | None = None, cancel: Cancel | None = None
) -> DielectricFunction:
    """Kramers-Kronig analysis of the shown spectrum by the settings.

    Raises
    ------
    NotDetermined, BadData
        If nothing normalises, angles are missing, or a step fails.
    """
    entry, spectrum = _single(project, entry_id, place)
    settings = entry.loss
    index = thickness = None
    if settings.normalised_by == "index":
        index = settings.refractive_index
    elif settings.normalised_by == "thickness":
        thickness = settings.thickness
    if settings.normalised_by != "metal" and index is None and thickness is None:
        raise NotDetermined("Nothing normalises the loss function", where=entry.title,
                            todo="Say that it is a metal, or give the refractive index or the thickness")
    atoms = None
    if settings.formula and settings.density is not None:
        atoms = atoms_per_nm3(settings.formula, settings.density)
    return dielectric_function(
        spectrum, beam_of(spectrum), refractive_index=index, thickness=thickness, rounds=10 if settings.surface else 1,
        way=settings.way, limit=settings.limit, reference=_reference(project, settings),  # type: ignore[arg-type]
        atoms=atoms, progress=progress, cancel=cancel,
    )


def dielectric_table(found: DielectricFunction) -> str:
    """The dielectric function as CSV text with a heading."""
    columns: list[tuple[str, FloatArray]] = [("energy_eV", found.energy), ("eps1", found.eps.real)]
    if found.eps1_err is not None:
        columns.append(("eps1_err", found.eps1_err))
    columns.append(("eps2", found.eps.imag))
    if found.eps2_err is not None:
        columns.append(("eps2_err", found.eps2_err))
    columns += [("loss_function", found.loss_function), ("single_scattering_counts", found.single)]
    lines = [",".join(name for name, _ in columns)]
    lines += [",".join(f"{value:.8g}" for value in row) for row in zip(*(c for _, c in columns), strict=True)]
    return "\n".join(lines) + "\n"


def with_settings(project: Project, entry_id: str, **changes: object) -> Project:
    """The project with other settings of the low loss of an entry.

    Raises
    ------
    BadData, UnknownName
        If a formula is none, or a number makes no sense.
    """
    entry = low_loss_entry(project, entry_id)
    settings = replace(entry.loss, **changes)  # type: ignore[arg-type]
    if settings.formula:
        from libraries.elements import parse_formula

        parse_formula(settings.formula)
    for name, words in (("density", "density"), ("limit", "end of the zero-loss peak"), ("thickness", "thickness")):
        value = getattr(settings, name)
        if value is not None and not (math.isfinite(value) and value > 0):
            raise BadData(f"The {words} must be above zero", where=entry.title)
    index = settings.refractive_index
    if index is not None and not index > 1:
        raise BadData("The refractive index must be above 1", where=entry.title)
    return project.with_entry(replace(entry, loss=settings))


# -- model and sodium test ---------------------------------------------------------------------------------------------


def add_model(
    project: Project, entry_id: str, parts: Iterable[str], place: Place = ALL
) -> tuple[Project, str, str, str]:
    """A region with the low-loss model of chosen parts.

    Returns
    -------
    project : Project
    entry, region : str
        Ids of the entry that holds the low loss, and of the new region.
    words : str
        What was done besides; "" for nothing.

    Raises
    ------
    BadData, NotDetermined
        If the zero loss is not usable; of an image, if it does not lie at 0 eV.
    """
    entry, spectrum = _single(project, entry_id, place)
    words = ""
    zero = zero_of(spectrum)
    try:
        check_at_zero(spectrum, zero)
    except BadData:
        if entry.spectrum.navigation:
            raise
        step = loss_scale_step((zero.centre,), (0.0,), "zero loss")
        entry = replace(entry, recipe=Recipe((*entry.recipe.steps, step)))
        spectrum = entry.single()
        words = f"The zero loss was moved from {zero.centre:.3f} eV to 0 (a step on the Process page)."
    model = low_loss_model(spectrum, parts, name="Low loss")
    id = fresh_id("low_loss", {fit.id for fit in entry.fits})
    where = "" if place == ALL or not entry.spectrum.navigation else str(place)
    entry = entry.with_fit(RegionFit(id, model, None, where))
    return project.with_entry(entry), entry.id, id, words


def sodium_of(
    project: Project, entry_id: str, place: Place = ALL, progress: Progress | None = None, cancel: Cancel | None = None
) -> SodiumTest:
    """The four-hypothesis test of the shown spectrum; errors as of `sodium_test`."""
    return sodium_test(_single(project, entry_id, place)[1], progress=progress, cancel=cancel)


def sodium_of_image(
    project: Project, entry_id: str, progress: Progress | None = None, cancel: Cancel | None = None
) -> Project:
    """The project with the maps of the four-hypothesis test; errors as of `sodium_maps`."""
    entry = low_loss_entry(project, entry_id)
    return project.with_entry(entry.with_maps(sodium_maps(entry.processed(), progress=progress, cancel=cancel)))
