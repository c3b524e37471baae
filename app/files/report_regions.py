"""The fits of a report: what ISO 19830 asks to be told of each fitted region."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from app.files.export import parameter_unit
from app.files.report_html import Html, escaped, facts, joined, table, tag
from app.numerals import signed, with_error

if TYPE_CHECKING:
    from app.project.project import Entry, RegionFit
    from fitting.dataset import Noise, Spectrum
    from fitting.model import FitModel, Param
    from fitting.result import FitResult

_NUMBER = "{:.5g}"


def region_section(entry: Entry, fit: RegionFit, spectrum: Spectrum, picture: Html) -> Html:
    """All of one region: figure, components, how it was fitted, every parameter."""
    from fitting.peaks import error_factor

    parts: list[object] = [tag("h3", fit.name if fit.name == entry.title else f"{entry.title}: {fit.name}"), picture]
    if fit.result is None:
        parts.append(tag("p", "This region is not fitted; the values are those of the model as set.", class_="warn"))
    elif not fit.result.success:
        parts.append(tag("p", fit.result.message, class_="warn"))
    elif fit.result.exceeds_noise:
        factor = f"{error_factor(fit.result):.2f}"
        parts.append(
            tag("p", f"The model misses structure in the data: errors are multiplied by {factor} = √(reduced χ²).",
                class_="warn")
        )
    parts += [_components(fit, spectrum), tag("h4", "Fit"), facts(_fit_facts(entry, fit, spectrum))]
    parts += [tag("h4", "Parameters and constraints"), _parameters(fit, spectrum)]
    return tag("section", joined(parts, "\n"))


def shape_notes(fits: list[RegionFit]) -> Html:
    """Formula and reference of every line shape and background that was used."""
    from fitting.backgrounds import kind
    from fitting.shapes import shape
    from libraries.errors import SodaliteError

    rows = []
    for name in sorted({component.shape for fit in fits for component in fit.model.components}):
        try:
            known = shape(name)
            rows.append((known.title, known.formula, known.reference))
        except SodaliteError:
            rows.append((name, "not known to this version", ""))
    for name in sorted({fit.model.background.kind for fit in fits}):
        try:
            entry = kind(name)
            rows.append((f"Background: {entry.title}", entry.formula, entry.reference))
        except SodaliteError:
            rows.append((f"Background: {name}", "not known to this version", ""))
    return table(("Shape", "Formula", "Reference"), rows)


def _title_of_shape(name: str) -> str:
    from fitting.shapes import shape
    from libraries.errors import SodaliteError

    try:
        return shape(name).title
    except SodaliteError:
        return name


def _components(fit: RegionFit, spectrum: Spectrum) -> Html:
    from fitting.peaks import peak_numbers

    unit, counts = spectrum.axis.unit, spectrum.meta.intensity_unit
    peaks = peak_numbers(spectrum, fit.model, fit.result)
    rates = any(peak.rate is not None for peak in peaks) and counts != "counts/s"
    times = _enlarged(fit.result)
    heads = ["Component", "Line", "Shape", f"Position / {unit}{times}", f"Maximum / {unit}", f"FWHM / {unit}{times}",
             f"Area / {counts} {unit}{times}", *([f"Rate / {unit} s⁻¹{times}"] if rates else []), "Share / %"]
    rows = []
    for peak in peaks:
        name = joined([peak.name, tag("div", peak.compound, class_="note") if peak.compound else ""])
        row: list[object] = [name, tag("span", peak.line or "–", class_="whole"), _title_of_shape(peak.shape)]
        row += [with_error(peak.position, peak.position_err), signed(f"{peak.maximum:.3f}")]
        row += [with_error(peak.fwhm, peak.fwhm_err), with_error(peak.area, peak.area_err)]
        if rates:
            row.append("–" if peak.rate is None else with_error(peak.rate, peak.rate_err))
        row.append(f"{100 * peak.share:.1f}" if math.isfinite(peak.share) else "–")
        rows.append(row)
    if not rows:
        return tag("p", "The region has no components.", class_="muted")
    return table(heads, rows, numbers=range(3, len(heads)))


def _fit_facts(entry: Entry, fit: RegionFit, spectrum: Spectrum) -> list[tuple[object, object]]:
    model, result = fit.model, fit.result
    low, high = model.region
    unit = spectrum.axis.unit
    inside = spectrum.axis.window(low, high)
    rows: list[tuple[object, object]] = [
        ("End points", f"{low:.2f} to {high:.2f} {unit}, {inside.stop - inside.start} channels"),
        ("Background", _background(model)),
        ("End levels", _averaging(model)),
        ("Noise", noise_words(spectrum.noise, spectrum.meta.intensity_unit)),
    ]
    if result is None:
        return [*rows, ("Status", "not fitted")]
    known = result.noise.known
    return [
        *rows,
        ("Statistic", f"{result.statistic} = {_NUMBER.format(result.deviance)}"),
        ("Data, free parameters", f"{result.n_data}, {result.n_free}"),
        ("Reduced χ²", f"{result.reduced_chi2:.3f}" if known else "not a test: the size of the noise is not known"),
        ("AIC, AICc, BIC", ", ".join(_criterion(value) for value in (result.aic, result.aicc, result.bic))),
        ("Errors", _errors(result)),
        ("Status", f"{result.status}, {result.evaluations} evaluations"),
        ("Data, SHA-256 of content", tag("code", result.data_hash[:16], class_="hash", title=result.data_hash)),
    ]


def _criterion(value: float) -> str:
    return signed(f"{value:.2f}") if math.isfinite(value) else "–"


def _enlarged(result: FitResult | None) -> str:
    """What the heading of a column with errors says of their factor."""
    from fitting.peaks import error_factor

    return f" (errors × {error_factor(result):.2f})" if result is not None and result.exceeds_noise else ""


def _background(model: FitModel) -> str:
    from fitting.backgrounds import kind
    from libraries.errors import SodaliteError

    try:
        entry = kind(model.background.kind)
    except SodaliteError:
        return model.background.kind
    return f"{entry.title}, taken from the data before the fit" if entry.static else entry.title


def _averaging(model: FitModel) -> str:
    from fitting.backgrounds import kind
    from libraries.errors import SodaliteError

    try:
        static = kind(model.background.kind).static
    except SodaliteError:
        return "not recorded"
    points = 2 * model.background.average + 1
    if not static:
        return "parameters of the fit, no averaging"
    return f"mean of {points} channel{'s' * (points > 1)} at each end"


def noise_words(noise: Noise, unit: str) -> str:
    """What is known of the noise, in words."""
    origin = {"file": "as the file says", "estimated": "estimated from the data", "user": "set by the user"}
    if noise.kind == "poisson":
        plain = noise.gain == 1 and unit == "counts"
        size = f"{noise.gain:.4g} {unit} per event" if noise.gain is not None else "events of unknown size"
        text = "Poisson, each count an event" if plain else f"Poisson, {size}"
    elif noise.kind == "gaussian":
        text = f"Gaussian, σ = {noise.read_noise:.4g} {unit}"
    else:
        return "unknown, taken from the residuals"
    if noise.correlation:
        text += f", neighbours correlate by {noise.correlation:.2f}"
    return f"{text}, {origin[noise.origin]}"


def _errors(result: FitResult) -> str:
    text = "one standard error, from the covariance of the fit"
    if result.scale != 1:
        text += f" × {result.scale:.3g} (noise estimated from the residuals or correlated)"
    return text


def _parameters(fit: RegionFit, spectrum: Spectrum) -> Html:
    """Every parameter: starting value, constraint in words, fitted value with its error."""
    from fitting.peaks import parameter_error

    result = fit.result
    start = result.start.params if result is not None else fit.model.params
    labels = {component.id: component.name or component.id for component in fit.model.components}
    rows = []
    for full, param in fit.model.params.items():
        owner, _, name = full.partition(".")
        unit = parameter_unit(fit, full, spectrum)
        fitted: object = "–" if result is None else with_error(param.value, parameter_error(result, full))
        if result is not None and full in result.at_bound:
            fitted = joined([signed(_NUMBER.format(param.value)), " ", tag("span", "on a bound", class_="held")])
        begin = start[full].value if full in start else param.value
        rows.append(
            (labels.get(owner, "background"), name.replace("_", " ") + (f" / {unit}" if unit else ""),
             signed(_NUMBER.format(begin)), constraint_words(param, labels), fitted)
        )
    if not rows:
        return tag("p", "There are no parameters.", class_="muted")
    heads = ("Component", "Parameter", "Start", "Constraint", f"Fitted{_enlarged(result)}")
    return table(heads, rows, numbers=(2, 4))


def constraint_words(param: Param, labels: dict[str, str]) -> Html:
    """The constraint of a parameter in words: held, linked, bounds, free."""
    if param.link:
        text = re.sub(
            r"\b([A-Za-z]\w*)\.([a-z]\w*)",
            lambda found: f"{found[2].replace('_', ' ')} of {labels.get(found[1], found[1])}",
            param.link.strip().removeprefix("="),
        )
        text = re.sub(r"\s*(?:\+-|\+/-|±)\s*", " ± ", text.replace("**", "^").replace("*", "×"))
        return escaped(f"= {signed(text.strip())}")
    if not param.vary:
        return tag("span", "held", class_="held")
    low = signed(_NUMBER.format(param.minimum)) if math.isfinite(param.minimum) else ""
    high = signed(_NUMBER.format(param.maximum)) if math.isfinite(param.maximum) else ""
    if low and high:
        return escaped(f"{low} to {high}")
    return escaped(f"at least {low}" if low else f"at most {high}" if high else "free")

