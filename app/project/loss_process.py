"""The Zero loss page's work: microscope, zero-loss peak, alignment, calibration, removal and deconvolution."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from app.numerals import signed
from app.project import process
from app.project.project import Entry, Project
from fitting.dataset import FloatArray, Spectrum
from fitting.eels.conditions import microscope_step
from fitting.eels.separation import Rule
from fitting.eels.zero_loss import FAULTS
from fitting.image.maps import Map
from fitting.image.place import ALL, Place
from fitting.processing.align import FAR, Positions, align_step, positions
from fitting.processing.detector import curve_of
from fitting.processing.energy_axis import loss_scale_step
from fitting.processing.image_spikes import find_image_spikes, image_spikes_step
from fitting.processing.sweeps import Cancel, Progress
from fitting.processing.zero_loss_removal import rule_step
from fitting.recipe import Recipe, Step
from libraries.errors import BadData

ANALYSIS_KINDS = ("zero_loss", "fourier_log", "fourier_ratio", "richardson_lucy")
GROUP = "zero loss"
Window = tuple[float, float]


# -- microscope -----------------------------------------------------------------------------------------------------


def told_conditions(entry: Entry) -> tuple[float | None, float | None, float | None]:
    """What the user said of beam energy (keV), convergence and collection (mrad); None where only the file speaks."""
    for step in reversed(entry.recipe.active):
        if step.kind == "microscope":
            return tuple(  # type: ignore[return-value]
                step.number(name) if step.has(name) else None
                for name in ("beam_energy", "convergence_angle", "collection_angle")
            )
    return None, None, None


def set_microscope(
    project: Project, ids: Iterable[str], beam_energy: float | None, convergence: float | None,
    collection: float | None, note: str = "set by the user",
) -> Project:
    """Say beam energy (keV) and half angles (mrad) for spectra; None keeps what each file says.

    Results of fits stay: beam and angles enter no fitted model but what is computed from it.
    """
    step = microscope_step(beam_energy, convergence, collection, note)
    for id in ids:
        entry = project.entry(id)
        if entry.spectrum.axis.quantity != "energy_loss":
            continue
        recipe = entry.recipe.without_kind("microscope")
        if step.params:
            recipe = Recipe((step, *recipe.steps))
        recipe.apply(entry.spectrum)
        project = project.with_entry(replace(entry, recipe=recipe))
    return project


def entries_of_sample(project: Project, entry_id: str) -> tuple[str, ...]:
    """Ids of all energy-loss spectra of an entry's sample."""
    sample = project.entry(entry_id).sample
    return tuple(e.id for e in project.entries_of(sample) if e.spectrum.axis.quantity == "energy_loss")


# -- the peak -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Peak:
    """The zero-loss peak of one spectrum; errors are NaN where the size of the noise is not known.

    Attributes
    ----------
    position, position_err, fwhm, fwhm_err : float
        In eV; NaN where there is none.
    fault : str
        Why there is none, "" for a good peak.
    warnings : tuple of str
    """

    position: float
    position_err: float
    fwhm: float
    fwhm_err: float
    fault: str = ""
    warnings: tuple[str, ...] = ()


def measured_peak(spectrum: Spectrum, window: Window | None = None) -> Peak:
    """Position and width of the zero-loss peak of a single spectrum, with what is suspicious about it.

    Raises
    ------
    BadData
        If there is no zero loss on the axis.
    """
    found = positions(spectrum, window)
    fault = FAULTS.get(int(found.fault), "")
    warnings = []
    position = float(found.position)
    if math.isfinite(position) and abs(position) > FAR and window is None:
        warnings.append(f"the highest peak lies at {position:.1f} eV: if it is no zero loss, say where to search")
    negative = int(np.count_nonzero(spectrum.y < 0))
    if negative:
        most, deep = float(spectrum.y.max()), -float(spectrum.y.min())
        how = f"(down to −{100 * deep / most:.2g} % of the maximum)" if most > 0 else "and none a positive one"
        warnings.append(f"{negative} of {spectrum.x.size} channels hold negative counts {how}: was a dark signal "
                        "subtracted?")
    return Peak(position, float(found.position_err), float(found.fwhm), float(found.fwhm_err), fault, tuple(warnings))


def zero_loss_maps(
    project: Project, entry_id: str, window: Window | None = None, *, progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Project:
    """Maps of position and width of the zero-loss peak of an image, as they are after the recipe."""
    entry = project.entry(entry_id)
    spectrum = entry.processed()
    if not spectrum.navigation:
        raise BadData("A map needs an image or a series", where=entry.title)
    found = positions(spectrum, window, progress=progress, cancel=cancel)
    return project.with_entry(entry.with_maps(_maps(found, spectrum)))


def _maps(found: Positions, spectrum: Spectrum) -> tuple[Map, ...]:
    legend = tuple((code, words) for code, words in FAULTS.items() if np.any(found.fault == code))
    origin = ("logarithmic parabola through the channels about the maximum, Poisson maximum likelihood; width at half "
              "its height")
    rows = (("zlp_position", "Zero loss, position", found.position, found.position_err),
            ("zlp_fwhm", "Zero loss, FWHM", found.fwhm, found.fwhm_err))
    return tuple(
        Map(id, name, "eV", values, error if np.isfinite(error).any() else None, found.fault.astype(np.uint8), legend,
            GROUP, "zero loss", origin, (), spectrum.hash)
        for id, name, values, error in rows
    )


# -- alignment ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Alignment:
    """What an alignment did.

    Attributes
    ----------
    project : Project
    words : str
        How far spectra were moved, and which had no peak of their own.
    found : Positions
        As measured, before.
    """

    project: Project
    words: str
    found: Positions


def partners_of(project: Project, entry_id: str) -> tuple[Entry, ...]:
    """Core losses of the same scan as a low loss."""
    pixels = project.entry(entry_id).spectrum.pixels
    return tuple(e for e in project.entries if e.low_loss == entry_id and e.spectrum.pixels == pixels)


def align(
    project: Project, entry_id: str, *, method: str = "linear", window: Window | None = None, partners: bool = True,
    progress: Progress | None = None, cancel: Cancel | None = None,
) -> Alignment:
    """Move the zero-loss peak of every spectrum to 0 eV; core losses of the same scan move along.

    Spectra without a measurable peak take their place from their neighbours in the scan, and are counted.

    Parameters
    ----------
    method : str
        See `fitting.processing.align.align_step`.
    window : (low, high), optional
        Where the peak is looked for.
    partners : bool
        Whether core losses of the same scan get the same shifts.

    Raises
    ------
    BadData
        If there is no zero loss on the axis, or no spectrum has a measurable peak; if the spectrum is processed beyond
        alignment already.
    """
    entry = project.entry(entry_id)
    _refuse_analysed(entry)
    bare = entry.recipe.without_kind("align")
    spectrum = bare.apply(entry.spectrum)
    found = positions(spectrum, window, progress=progress, cancel=cancel)
    shifts = found.filled()
    words = alignment_words(found, shifts)
    result = _aligned(project, entry, bare, align_step(spectrum, shifts, method=method, note=words))
    others = partners_of(project, entry_id) if partners else ()
    for other in others:
        _refuse_analysed(other)
        bare = other.recipe.without_kind("align")
        step = align_step(bare.apply(other.spectrum), shifts, method=method,
                          note=f"shifts of the low loss {entry.title}")
        result = _aligned(result, other, bare, step)
    if others:
        words += f"; {', '.join(other.title for other in others)} moved along"
    return Alignment(result, words, found)


def _aligned(project: Project, entry: Entry, bare: Recipe, step: Step) -> Project:
    """An alignment replaces an earlier one, in which everything would be interpolated twice."""
    return process.with_recipe(project, entry.id, bare.with_step(step))


def _refuse_analysed(entry: Entry) -> None:
    late = next((step for step in entry.recipe.active if step.kind in ANALYSIS_KINDS), None)
    if late is not None:
        raise BadData("The zero-loss peak was taken away or deconvolved already", where=entry.title,
                      todo="Take that step out of the recipe first")


def alignment_words(found: Positions, shifts: FloatArray) -> str:
    """An alignment in words."""
    if shifts.size == 1:
        error = float(found.position_err.reshape(-1)[0])
        told = f" ± {error:.4f}" if math.isfinite(error) else ""
        return signed(f"zero loss found at {shifts[0]:.4f}{told} eV")
    words = signed(f"zero loss found at {shifts.min():.3f} to {shifts.max():.3f} eV")
    words += f", spread {shifts.std():.3f} eV"
    if found.missing:
        words += f"; {found.missing} of {shifts.size} without a measurable peak take their neighbours' place"
    return words


# -- energies -------------------------------------------------------------------------------------------------------


def calibrate(
    project: Project, ids: Iterable[str], measured: tuple[float, ...], true: tuple[float, ...], note: str = ""
) -> Project:
    """Put energy-loss axes right by one known energy (offset) or two (offset and dispersion).

    Energies are those of the axis as it is shown; a further calibration comes on top of what is in the recipe.
    """
    step = loss_scale_step(measured, true, note)
    for id in ids:
        project = process.with_step(project, id, step)
    return project


def reset_scale(project: Project, ids: Iterable[str]) -> Project:
    """Energy-loss axes as the files give them, alignment kept."""
    for id in ids:
        project = process.with_recipe(project, id, project.entry(id).recipe.without_kind("loss_scale"))
    return project


# -- spikes ---------------------------------------------------------------------------------------------------------


def remove_spikes(
    project: Project, entry_id: str, threshold: float, *, progress: Progress | None = None, cancel: Cancel | None = None
) -> tuple[Project, int]:
    """Take spikes (cosmic rays) out of an image or series; an earlier such step is replaced. Also how many."""
    entry = project.entry(entry_id)
    recipe = entry.recipe.without_kind("image_spikes")
    raw = Recipe(recipe.steps[: recipe.front]).apply(entry.spectrum)
    found = find_image_spikes(raw, threshold, progress=progress, cancel=cancel)
    if not found:
        raise BadData(f"No channel stands out by more than {threshold:g} σ", where=entry.title)
    step = image_spikes_step(raw, found, threshold)
    return process.with_recipe(project, entry_id, recipe.with_front(step)), len(found)


# -- removal and deconvolution --------------------------------------------------------------------------------------


def fourier_ratio_step(
    project: Project, low_loss_id: str, limit: float, background: Window | None, fwhm: float | None,
    place: Place = ALL,
) -> Step:
    """The step for a core loss, with the low loss (of the same place where it is an image of the same pixels) in it.

    Parameters
    ----------
    limit : float
        Where the losses of the low loss begin, eV; its zero loss is told by the mirrored tail.
    background : (low, high) or None
        Window of the power law before the edge; None where the background was subtracted.
    fwhm : float or None
        Of a Gaussian, eV; None keeps the resolution.
    """
    low = project.entry(low_loss_id)
    more: list[tuple[str, float | str]] = []
    if background is not None:
        more += [("low_background", background[0]), ("high_background", background[1])]
    if fwhm is not None:
        more.append(("fwhm", fwhm))
    step = rule_step("fourier_ratio", Rule("mirrored tail", limit), tuple(more))
    return replace(step, curves=(curve_of(_single(low, place), low.title),))


def richardson_lucy_step(
    project: Project, peak_id: str, iterations: float, reach: float | None, negative: str, place: Place = ALL
) -> Step:
    """The step that sharpens by the measured peak of an entry, of which only what lies within `reach` eV is taken."""
    entry = project.entry(peak_id)
    spectrum = _single(entry, place)
    if reach is not None:
        spectrum = spectrum.window(-abs(reach), abs(reach))
    params = (("iterations", float(iterations)), ("negative", negative))
    return Step("richardson_lucy", params, curves=(curve_of(spectrum, entry.title),))


def _single(entry: Entry, place: Place) -> Spectrum:
    """The spectrum of a place; of a single spectrum, or where the image has no such place, all of it."""
    if not entry.spectrum.navigation or place.roi:
        return entry.single()
    try:
        return entry.single(place)
    except BadData:
        return entry.single()


def with_analysis(project: Project, entry_id: str, step: Step, progress: Progress | None = None) -> Project:
    """A spectrum with a removal or deconvolution as its last step; one such step at a time.

    Raises
    ------
    BadData
        If the recipe holds one already.
    """
    entry = project.entry(entry_id)
    if step.kind != "richardson_lucy":
        _refuse_analysed(entry)
    if progress is not None:
        progress(-1.0, f"{entry.spectrum.pixels} spectra" if entry.spectrum.navigation else entry.title)
    return process.with_step(project, entry_id, step)
