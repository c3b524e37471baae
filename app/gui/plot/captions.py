"""Words about a plot: the caption line, names of backgrounds, numbers under the hand."""

from __future__ import annotations

from app.gui.plot.geometry import peak_of
from app.numerals import grouped
from app.project.project import Entry, RegionFit
from fitting.backgrounds import kind as background_kind
from fitting.dataset import Quantity, Spectrum
from fitting.model import FitModel


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


def caption(entry: Entry, fit: RegionFit | None) -> tuple[str, str]:
    """Title and details of the caption line."""
    # The line is short: a reference names its line and energy, which says what it is.
    details = [charge_words(entry).removeprefix("charge reference: ")]
    if fit is not None:
        details.append(background_words(fit.model.background.kind))
        if fit.result is not None and fit.result.noise.known:
            details.append(f"reduced χ² {fit.result.reduced_chi2:.2f}")
    name = entry.title if fit is None or fit.name in (entry.title, fit.id) else f"{entry.title} · {fit.name}"
    return name, "  ·  ".join(text for text in details if text)


def intensity_label(spectrum: Spectrum) -> str:
    """Label of the intensity axis."""
    unit = {"arbitrary": "arb. units"}.get(spectrum.meta.intensity_unit, spectrum.meta.intensity_unit)
    return f"Intensity ({unit})"


def peak_words(model: FitModel, id: str, quantity: Quantity) -> str:
    """Numbers of a peak while it is dragged."""
    peak = peak_of(model.component(id), quantity)
    height = grouped(peak.height, 0 if peak.height >= 100 else 2)
    return f"{peak.position:.2f} eV   height {height}   FWHM {peak.fwhm:.2f} eV"
