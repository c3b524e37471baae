"""Words about a plot: the caption line, names of backgrounds, numbers under the hand."""

from __future__ import annotations

import math

from app.gui.plot.geometry import peak_of
from app.numerals import grouped
from app.project.place_words import place_words
from app.project.project import Entry, RegionFit
from app.project.region_at import RegionAt, is_image
from fitting.backgrounds import kind as background_kind
from fitting.dataset import Quantity, Spectrum
from fitting.image.place import ALL, Place
from fitting.model import FitModel
from libraries.errors import SodaliteError


def background_words(kind: str) -> str:
    """A background kind as people call it."""
    return background_kind(kind).title


def signed(value: float, decimals: int = 2) -> str:
    """A number with its sign, a true minus included."""
    return f"{value:+.{decimals}f}".replace("-", "−")


def charge_words(entry: Entry) -> str:
    """What the energy axis is referred to."""
    shift = entry.recipe.energy_shift
    reference = entry.recipe.charge_reference()
    if not reference:
        return "no charge reference" if entry.spectrum.meta.technique == "xps" else ""
    return f"charge reference: {reference} (shift {signed(shift)} eV)"


def caption(
    entry: Entry, fit: RegionFit | None, place: Place = ALL, region: RegionAt | None = None
) -> tuple[str, str]:
    """Title and details of the caption line.

    Parameters
    ----------
    place, region : Place, RegionAt
        Of an image: which pixels are shown, and where the model on them comes from.
    """
    # The line is short: a reference names its line and energy, which says what it is.
    details = [charge_words(entry).removeprefix("charge reference: ")]
    if fit is not None:
        details.append(background_words(fit.model.background.kind))
        if fit.result is not None and fit.result.noise.known:
            details.append(f"reduced χ² {fit.result.reduced_chi2:.2f}")
    name = entry.title if fit is None or fit.name in (entry.title, fit.id) else f"{entry.title} · {fit.name}"
    if is_image(entry):
        name = f"{name} · {place_words(entry.processed(), place, entry.rois)}"
        if fit is not None and region is not None and fit.model.components:
            # First: the line is short, and of what a model is must be seen.
            details.insert(0, origin_words(entry, fit.id, region))
    return name, "  ·  ".join(text for text in details if text)


def origin_words(entry: Entry, fit_id: str, region: RegionAt) -> str:
    """Where the model on the pixels that are shown comes from; "" where it is their own."""
    if region.source == "pixel":
        chi = f", reduced χ² {region.reduced_chi2:.2f}" if math.isfinite(region.reduced_chi2) else ""
        return f"from the fit of every pixel{chi}" + (f" ({region.flag})" if region.flag else "")
    if region.source == "scaled":
        try:
            place = Place.parse(entry.fit(fit_id).place)
            return f"model of {lower(place_words(entry.processed(), place, entry.rois))}, scaled to this number"
        except SodaliteError:
            return "model of a place that is gone, as it was"
    return ""


def lower(text: str) -> str:
    """A place inside a sentence: "all 64 pixels"; names stay as they are."""
    return text[0].lower() + text[1:] if text.startswith(("All ", "Pixel ", "Spectrum ")) else text


def intensity_label(spectrum: Spectrum) -> str:
    """Label of the intensity axis."""
    unit = {"arbitrary": "arb. units"}.get(spectrum.meta.intensity_unit, spectrum.meta.intensity_unit)
    return f"Intensity ({unit})"


def peak_words(model: FitModel, id: str, quantity: Quantity) -> str:
    """Numbers of a peak while it is dragged."""
    peak = peak_of(model.component(id), quantity)
    height = grouped(peak.height, 0 if peak.height >= 100 else 2)
    return f"{peak.position:.2f} eV   height {height}   FWHM {peak.fwhm:.2f} eV"
