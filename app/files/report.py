"""The report of a project: one HTML file that holds everything, for the screen (light and dark) and for paper.

What it tells follows ISO 19830 (peak fitting), ISO 16243 and ASTM E996 (conditions), ISO 19318 (charge reference) and
ISO 18118 (factors); what is missing is printed as "not recorded".
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from app import __version__
from app.files.atomic import write_text
from app.files.report_html import STYLE, Html, facts, joined, page, table, tag
from libraries.errors import CannotWrite, SodaliteError

if TYPE_CHECKING:
    from app.project.project import Entry, Project, RegionFit, Sample
    from fitting.xps.quantify import Composition

Progress = Callable[[float, str], None]
_SUFFIXES = (".html", ".htm")


def write_report(project: Project, path: str | Path, *, progress: Progress | None = None) -> Path:
    """Write the report; its path.

    Raises
    ------
    CannotWrite
        If the ending is not .html or the file cannot be written.
    """
    target = Path(path)
    check_report_path(target)
    write_text(target, report_html(project, progress=progress))
    return target


def check_report_path(path: Path) -> None:
    """Refuse a name that is not one of HTML.

    Raises
    ------
    CannotWrite
    """
    suffix = path.suffix.lower()
    if suffix == ".pdf":
        raise CannotWrite(
            "Reports are written as HTML", where=str(path), todo="Write .html, open it in a browser and print it as PDF"
        )
    if suffix not in _SUFFIXES:
        raise CannotWrite(f"A report cannot be written as '{suffix}'", where=str(path), todo="Give a name in .html")


def report_html(project: Project, *, progress: Progress | None = None) -> str:
    """The report as HTML text."""
    from app.files.export import compositions
    from app.files.report_regions import shape_notes

    tables, missing = compositions(project)
    fits = [fit for entry in project.entries for fit in entry.fits]
    groups = [(sample, project.entries_of(sample.id)) for sample in project.samples]
    groups = [(sample, entries) for sample, entries in groups if entries]
    parts: list[Html] = [_head(project, groups, fits)]
    for number, (sample, entries) in enumerate(groups):
        if progress is not None:
            progress(number / len(groups), sample.name)
        found = _compositions(project, sample, tables, missing) if _photoelectrons(entries) else []
        parts.append(_sample(project, sample, entries, found, number))
    parts.append(tag("h2", "Shapes, data and history", id="appendix"))
    if fits:
        parts += [tag("h3", "Line shapes and backgrounds"), shape_notes(fits)]
    parts += _appendix(project)
    return page(f"{project.name} – Sodalite report", STYLE, *parts)


def _head(project: Project, groups: list[tuple[Sample, tuple[Entry, ...]]], fits: list[RegionFit]) -> Html:
    from app.files.report_samples import remark

    done = sum(fit.result is not None and fit.result.success for fit in fits)
    links = [tag("a", sample.name, href=f"#sample-{i}") for i, (sample, _) in enumerate(groups)]
    links.append(tag("a", "Shapes, data and history", href="#appendix"))
    rows = [
        ("Program", f"Sodalite {__version__}"),
        ("Report made", datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")),
        ("Samples", len(groups)),
        ("Spectra", len(project.entries)),
        ("Regions fitted", f"{done} of {len(fits)}"),
        ("Errors", "one standard error (±); intervals 95 %"),
    ]
    title = tag("header", tag("h1", project.name), remark(project.note))
    return joined([title, facts(rows), tag("nav", joined(links, "\n"))], "\n")


def _compositions(
    project: Project, sample: Sample, tables: dict[str, Composition], missing: dict[str, str]
) -> list[Html]:
    """The composition of a sample, or of each level of its series, or why there is none."""
    from app.files import report_samples as samples
    from app.project.compose import composition_keys, level_names, ratios_of, studies_of

    names, parts = level_names(project), []
    for key, (id, at) in composition_keys(project).items():
        if id != sample.id:
            continue
        parts.append(tag("h3", f"Composition: {names[key]}" if key in names else "Composition"))
        if key in tables:
            found = tables[key]
            parts.append(samples.composition(found, studies_of(sample, found, at), ratios_of(sample, found)[0]))
        else:
            parts.append(tag("p", missing.get(key) or "not determined", class_="muted"))
    return parts


def _photoelectrons(entries: tuple[Entry, ...]) -> bool:
    return any(entry.spectrum.meta.technique in ("xps", "other") for entry in entries)


def _sample(
    project: Project, sample: Sample, entries: tuple[Entry, ...], compositions: list[Html], number: int
) -> Html:
    from app.files import report_samples as samples

    parts: list[object] = [tag("h2", sample.name, id=f"sample-{number}"), samples.remark(sample.note), *compositions]
    if _photoelectrons(entries):
        parts += [tag("h3", "Charge reference"), samples.charge_reference(entries)]
    for entry in entries:
        parts += _entry(project, entry)
    measured = tuple(entry for entry in entries if entry.spectrum.meta.technique not in ("eels", "sims"))
    if measured:
        parts += [tag("h3", "Conditions of measurement"), samples.conditions(measured)]
    return joined(parts, "\n")


def _entry(project: Project, entry: Entry) -> list[Html]:
    """The regions of a spectrum, or the bare spectrum; a recipe or model that fails is said, not passed over."""
    from app.files.figures import spectrum_figure

    if entry.spectrum.meta.technique == "sims":
        from app.files.report_concentrations import concentration_sections
        from app.files.report_sims import sims_sections

        return [*sims_sections(entry, _picture), *concentration_sections(project, entry)]
    losses = entry.spectrum.meta.technique == "eels"
    try:
        spectrum = entry.single() if losses else entry.processed()
    except SodaliteError as error:
        return [tag("h3", entry.title), tag("p", str(error), class_="warn")]
    if spectrum.navigation:
        return [tag("h3", entry.title), tag("p", "A series; only single spectra are drawn.", class_="muted")]
    parts: list[Html] = []
    if losses or not entry.fits:
        picture = _picture(lambda: spectrum_figure(spectrum, width=150.0, title=entry.title), spectrum.name)
        parts.append(tag("section", tag("h3", entry.title), picture))
    if losses:
        from app.files.report_losses import loss_sections

        parts += loss_sections(project, entry, _picture)
    return parts + _regions(entry)


def _regions(entry: Entry) -> list[Html]:
    from app.files.figures import fit_figure
    from app.files.report_losses import place_of
    from app.files.report_regions import region_section

    parts: list[Html] = []
    for fit in entry.fits:
        model, result = fit.model, fit.result
        try:
            spectrum = entry.single(place_of(entry, fit.place))
            picture = _picture(lambda s=spectrum, m=model, r=result: fit_figure(s, m, r, width=130.0), spectrum.name)  # type: ignore[misc]
            parts.append(region_section(entry, fit, spectrum, picture))
        except SodaliteError as error:
            parts += [tag("h3", f"{entry.title}: {fit.name}"), tag("p", str(error), class_="warn")]
    return parts


def _picture(draw: Callable[[], object], name: str) -> Html:
    """A figure inside the page, as SVG in an image of its own, where nothing in it can run."""
    from app.files.figures import svg_text

    text = base64.b64encode(svg_text(draw(), transparent=True).encode("utf-8")).decode("ascii")  # type: ignore[arg-type]
    image = tag("img", src=f"data:image/svg+xml;base64,{text}", alt=f"Plot of {name}")
    return tag("div", Html(image.removesuffix("</img>")), class_="figure")


def _appendix(project: Project) -> list[Html]:
    from app.files.report_samples import raw_data

    parts = [tag("h3", "Raw data"), raw_data(project.entries)]
    parts.append(tag("h3", "History"))
    if project.history:
        parts.append(table(("When", "What"), [(item.when, item.text) for item in project.history]))
    else:
        parts.append(tag("p", "not recorded", class_="muted"))
    parts.append(
        tag("p", "Follows ISO 19830 (peak fitting), ISO 16243 and ASTM E996 (conditions), ISO 19318 (charge "
            "reference), ISO 18118 (factors), ISO 22029 (energy losses), ASTM E1162 and E1504, ISO 13084 and 17109 "
            "(ToF-SIMS). Positions of components are parameters of "
            "their shapes; the maximum is where the profile has its highest point. Angles count from the surface "
            "normal, those of electron microscopes are half angles.", class_="note")
    )
    return parts
