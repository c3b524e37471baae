"""What a project file holds for other programs: plots and tables of spectra and fits in the words of NeXus.

Everything here is a copy, made anew at each save and never read back; Sodalite reads the arrays of the NXdata named
"data" and the JSON texts. So a copy that cannot be made (a recipe that no longer applies, say) is left out.

References
----------
NeXus definitions, base classes NXdata, NXfit, NXpeak: https://manual.nexusformat.org/classes/
"""

from __future__ import annotations

import numpy as np

from app.project.project import Entry, RegionFit
from app.project.store_tree import Tree
from fitting.dataset import Axis, Spectrum
from fitting.result import FitResult
from libraries.errors import SodaliteError

# Names that are copies; the peaks are "peak_p1", "peak_p2", ...
_COPIES = frozenset(("title", "label", "parameters", "curves"))


def is_copy(name: str) -> bool:
    """Whether an item of the file is such a copy."""
    return name in _COPIES or name.startswith("peak_")


def words(text: str) -> str:
    """A text as every viewer can show it: no NUL, no lone surrogates."""
    return text.replace("\0", " ").encode("utf-8", "replace").decode("utf-8")


def all_axes(spectrum: Spectrum) -> tuple[Axis, ...]:
    """Navigation, signal, further scales."""
    return (*spectrum.navigation, spectrum.axis, *spectrum.scales)


def axis_names(spectrum: Spectrum) -> list[str]:
    """A name of its own for each axis, navigation first, further scales last: its quantity, numbered where that
    repeats.
    """
    names: list[str] = []
    for axis in all_axes(spectrum):
        name, number = str(axis.quantity), 1
        while name in names:
            number += 1
            name = f"{axis.quantity}_{number}"
        names.append(name)
    return names


def data_group(spectrum: Spectrum) -> Tree:
    """The raw spectrum as NXdata, without intensities that stay in their file. Its arrays are read back."""
    names = axis_names(spectrum)
    own = names[: len(names) - len(spectrum.scales)]
    group: Tree = {"@NX_class": "NXdata", "@axes": own, "@title": words(spectrum.name)[:200]}
    if not spectrum.stored:
        group["@signal"] = "counts"
        group["counts"] = spectrum.counts
        group["counts@units"] = spectrum.meta.intensity_unit
        group["counts@long_name"] = f"Intensity ({spectrum.meta.intensity_unit})"
    for name, axis in zip(names, all_axes(spectrum), strict=True):
        group |= _axis_items(name, axis)
    if spectrum.transmission is not None:
        group["transmission"] = spectrum.transmission
        group["transmission@long_name"] = "Transmission function (relative)"
    return group


def _axis_items(name: str, axis: Axis) -> Tree:
    return {name: axis.values, f"{name}@units": words(axis.unit)[:40], f"{name}@long_name": words(axis.label)[:200]}


def fit_copies(fit: RegionFit, processed: Spectrum | None) -> Tree:
    """Label, peaks, table of parameters and curves of a fit, as far as there are any."""
    group: Tree = {"@NX_class": "NXfit", "label": words(fit.name)}
    model = fit.model if fit.result is None else fit.result.model
    for component in model.components:
        peak: Tree = {"@label": words(component.name)[:200], "@shape": words(component.shape)[:40]}
        named = [(name, param) for name, param in component.params if name.isidentifier() and name.isascii()]
        peak |= {f"@{name[:40]}": param.value for name, param in named[:40]}
        group[f"peak_{component.id}"] = peak | {"@NX_class": "NXpeak"}
    if fit.result is None:
        return group
    try:
        group["parameters"] = _parameters(fit.result)
        if processed is not None:
            group["curves"] = _curves(fit.result, processed)
            group["@default"] = "curves"
    except (SodaliteError, LookupError, ArithmeticError, ValueError):
        pass  # only a copy for viewers: what cannot be drawn must not keep the project from being saved
    return group


def _parameters(result: FitResult) -> Tree:
    return {
        "@NX_class": "NXcollection",
        "name": [words(name) for name in result.names],
        "value": np.array([result.value(name) for name in result.names]),
        "error": np.array([result.error(name) for name in result.names]),
    }


def _curves(result: FitResult, processed: Spectrum) -> Tree:
    """Measured points, background and envelope inside the region as NXdata."""
    from fitting.curves import curves  # brings the kernels; neither opening nor autosave need them

    drawn = curves(processed, result.model)
    axis = str(processed.axis.quantity)
    return {
        "@NX_class": "NXdata",
        "@signal": "data",
        "@auxiliary_signals": ["background", "envelope"],
        "@axes": [axis],
        "@title": words(result.model.name)[:200],
        "data": drawn.y,
        "background": drawn.background,
        "envelope": drawn.envelope,
        axis: drawn.x,
        f"{axis}@units": words(processed.axis.unit)[:40],
        f"{axis}@long_name": words(processed.axis.label)[:200],
    }


def processed_or_none(entry: Entry) -> Spectrum | None:
    """The spectrum after its recipe, None where the recipe does not apply, or of an image, which has many."""
    try:
        return None if entry.spectrum.navigation else entry.processed()
    except (SodaliteError, ArithmeticError, ValueError):
        return None
