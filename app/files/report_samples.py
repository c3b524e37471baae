"""The samples of a report: conditions (ISO 16243, ASTM E996), charge reference (ISO 19318), composition (ISO 18118)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from app.files.report_html import Html, escaped, joined, table, tag
from app.files.report_regions import noise_words
from app.numerals import interval, limit_or_amount, signed, with_error

if TYPE_CHECKING:
    from app.project.project import Entry
    from fitting.dataset import Meta, Spectrum
    from fitting.xps.quantify import Composition
    from fitting.xps.ratios import Ratio
    from fitting.xps.study import Study

MISSING = "not recorded"


def _quantity(name: str, unit: str) -> Callable[[Spectrum], str]:
    def text(spectrum: Spectrum) -> str:
        value = getattr(spectrum.meta, name)
        return "" if value is None else f"{value:.6g} {unit}".strip()

    return text


def _words(name: str) -> Callable[[Spectrum], str]:
    return lambda spectrum: str(getattr(spectrum.meta, name))


def _extra(*words: str) -> Callable[[Spectrum], str]:
    """What the file says under a name of its own that holds one of these words."""

    def text(spectrum: Spectrum) -> str:
        meta: Meta = spectrum.meta
        return next((value for name, value in meta.extra if any(word in name.lower() for word in words)), "")

    return text


def _range(spectrum: Spectrum) -> str:
    axis = spectrum.axis
    return f"{axis.values[0]:.2f} to {axis.values[-1]:.2f} {axis.unit}, step {axis.step:.4g} {axis.unit}"


# Items of ISO 16243 and ASTM E996; those that no file format of ours records are asked for by name all the same.
_CONDITIONS: tuple[tuple[str, Callable[[Spectrum], str]], ...] = (
    ("Instrument", _words("instrument")),
    ("Institution", _words("institution")),
    ("Operator", _words("operator")),
    ("Date of measurement", _words("date")),
    ("X-ray source", _words("source")),
    ("Photon energy", _quantity("photon_energy", "eV")),
    ("Source power", _extra("source strength", "source power", "power")),
    ("Energy range and step", _range),
    ("Pass energy or retard ratio", _quantity("pass_energy", "eV")),
    ("Analyser mode", _words("analyser_mode")),
    ("Signal mode", _words("signal_mode")),
    ("Dwell time", _quantity("dwell_time", "s")),
    ("Sweeps", _quantity("sweeps", "")),
    ("Emission angle from the surface normal", _quantity("emission_angle", "°")),
    ("Angle between source and analyser", _quantity("source_analyser_angle", "°")),
    ("Analyser work function", _quantity("work_function", "eV")),
    ("Transmission function", lambda s: "in the file" if s.transmission is not None else ""),
    ("Analysed area", _extra("analysed area", "analysis area", "spot size", "field of view")),
    ("Charge neutraliser", _extra("neutrali", "flood gun")),
    ("Pressure", _extra("pressure", "vacuum")),
    ("Specimen preparation", _extra("preparation", "pretreatment", "sputter")),
    ("Calibration of the energy scale (ISO 15472)", _extra("energy calibration", "scale calibration")),
    ("Intensity unit", _words("intensity_unit")),
    ("Noise", lambda s: noise_words(s.noise, s.meta.intensity_unit)),
    ("File", _words("file")),
)


def conditions(entries: tuple[Entry, ...]) -> Html:
    """One row an item; where spectra differ, the value of each."""
    rows = []
    for name, read in _CONDITIONS:
        values: dict[str, list[str]] = {}
        for entry in entries:
            values.setdefault(read(entry.spectrum).strip() or MISSING, []).append(entry.title)
        if len(values) == 1:
            value = next(iter(values))
            rows.append((name, tag("span", value, class_="muted") if value == MISSING else value))
        else:
            lines = (joined([tag("span", f"{', '.join(who)}: ", class_="muted"), what]) for what, who in values.items())
            rows.append((name, joined(tag("div", line) for line in lines)))
    return table(("Condition", "Value"), rows)


def charge_reference(entries: tuple[Entry, ...]) -> Html:
    """Method and shift, as ISO 19318 asks."""
    shifts: dict[tuple[str, float], list[str]] = {}
    for entry in entries:
        shifts.setdefault((entry.recipe.charge_reference(), entry.recipe.energy_shift), []).append(entry.title)
    lines = []
    for (note, shift), who in shifts.items():
        before = f"{', '.join(who)}: " if len(shifts) > 1 else ""
        if not note and not shift:
            lines.append(f"{before}none; binding energies as measured")
        else:
            moved = f"{signed(f'{shift:+.3f}')} eV added to the measured binding energies"
            lines.append(f"{before}{note or 'reference not recorded'}; {moved}")
    return joined((tag("p", line) for line in lines), "\n")


def composition(found: Composition, studies: Mapping[str, Study] | None = None, ratios: Iterable[Ratio] = ()) -> Html:
    """Elements with their intervals, then every line with each factor and its source, studies and ratios."""
    sources: list[str] = []
    known = studies or {}
    parts = [_elements(found, known)]
    shown = [(r.name, with_error(r.value, r.error), interval(r.low, r.high)) for r in ratios]
    if shown:
        heads = ("Ratio", "Value", "95 % interval")
        parts += [tag("h4", "Atomic ratios"), table(heads, shown, numbers=(1, 2), narrow=True)]
    parts += [tag("h4", "Lines and factors"), _lines(found, sources)]
    parts.append(tag("ol", joined((tag("li", source) for source in sources), "\n"), class_="sources"))
    parts.append(
        tag("p", "Amounts are x = n / Σn with n = A / (s L T λ). Errors are one standard error from the joint "
            "covariance of all areas; they hold no uncertainty of the factors. Material for λ: ",
            found.material or MISSING, ".", class_="note")
    )
    parts += [tag("p", warning, class_="warn") for warning in found.warnings]
    for kind, study in known.items():
        parts.append(tag("p", f"{_STUDIES[kind]} {study.number - study.failed} of {study.number} succeeded.",
                         class_="note"))
        parts += [tag("p", note, class_="note") for note in study.notes]
    return joined(parts, "\n")


_STUDIES = {
    "bootstrap": "Bootstrap: standard deviation and 95 % interval over simulated spectra, each with background and fit "
    "done anew.",
    "model spread": "Model spread: smallest and largest amount when backgrounds, region ends and shapes are chosen "
    "otherwise, over all combinations; it is no standard error and enters none.",
}


def _elements(found: Composition, studies: Mapping[str, Study]) -> Html:
    largest = max((row.at_percent for row in found.elements if math.isfinite(row.at_percent)), default=0.0) or 1.0
    kinds = [kind for kind in _STUDIES if kind in studies]
    rows = []
    named = [(row.element, f"element {row.element}", row) for row in found.elements]
    named.sort(key=lambda item: -item[2].at_percent)
    # Tags that join several lines follow the elements.
    joint = [(f"{row.tag} ({', '.join(row.members)})", f"tag {row.tag}", row) for row in found.tags]
    for name, key, row in (*named, *joint):
        share = max(row.at_percent, 0.0) / largest if math.isfinite(row.at_percent) else 0.0
        ranges = [studies[kind].of(key) for kind in kinds]
        rows.append((
            name, limit_or_amount(row.at_percent, row.at_percent_err, row.high, determined=row.determined),
            interval(row.low, row.high) if row.determined else "",
            *(interval(r.low, r.high) if r is not None else "" for r in ranges),
            with_error(row.weight_percent, row.weight_percent_err) if row.determined else "",
            tag("span", class_="bar", style=f"width:{min(share, 1.0) * 16:.2f}rem"),
        ))
    heads = {"bootstrap": "95 % interval by bootstrap", "model spread": "Model spread"}
    names = ("Element", "Amount / at.%", "95 % interval", *(heads[kind] for kind in kinds), "Weight / wt.%", "")
    return table(names, rows, numbers=range(1, 4 + len(kinds)), narrow=True)


def _lines(found: Composition, sources: list[str]) -> Html:
    def cited(value: str, source: str) -> Html:
        if source not in sources:
            sources.append(source)
        return joined([value, tag("sup", sources.index(source) + 1)])

    units = {row.area_unit for row in found.rows}
    unit = f" / {next(iter(units))}" if len(units) == 1 else ""
    rows = [
        (
            tag("span", row.line, class_="whole"),
            joined([row.name, tag("div", row.compound, class_="note") if row.compound else ""]), row.region,
            with_error(row.area, row.area_err) + ("" if unit else f" {row.area_unit}"),
            cited(f"{row.factor:.3f}", row.factor_source), cited(f"{row.angular:.3f}", row.angular_source),
            cited(f"{row.transmission:.3f}", row.transmission_source),
            cited(f"{0.1 * row.imfp:.3f}", row.imfp_source),
            limit_or_amount(row.at_percent, row.at_percent_err, row.high, determined=row.determined),
        )
        for row in found.rows
    ]
    heads = ("Line", "Component", "Region", f"Area A{unit}", "s", "L", "T", "λ / nm", "at.%")
    return table(heads, rows, numbers=range(3, 9))


def raw_data(entries: tuple[Entry, ...]) -> Html:
    """Title, channels and content hash of every raw spectrum."""
    rows = [
        (entry.title, " × ".join(map(str, entry.spectrum.counts.shape)),
         "in its file" if entry.spectrum.stored else f"{entry.spectrum.counts.sum(dtype=float):.6g}",
         "; ".join(_step(s.kind, s.note) for s in entry.recipe.active)
         or "as measured", tag("code", entry.spectrum.hash, class_="hash"))
        for entry in entries
    ]
    return table(("Spectrum", "Channels", "Sum", "Recipe", "Raw data, SHA-256 of content"), rows, numbers=(1, 2))


def _step(kind: str, note: str) -> str:
    return f"{kind.replace('_', ' ')} ({note})" if note else kind.replace("_", " ")


def remark(text: str) -> Html:
    """A note of the user as paragraphs."""
    return joined((tag("p", escaped(line)) for line in text.splitlines() if line.strip()), "\n")
