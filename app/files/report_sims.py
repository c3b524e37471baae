"""Report sections of ToF-SIMS data: conditions, mass scale, peaks, ions, depth, interfaces, layers, factors.

Items follow ASTM E1162 and E1504, ISO 13084 (mass scale) and ISO 17109 (depth); what is not there prints
"not recorded".
"""

from __future__ import annotations

import math
from collections.abc import Callable

from app.files.report_html import Html, facts, joined, table, tag
from app.numerals import with_error
from app.project.project import Entry
from fitting.dataset import Spectrum
from fitting.sims.kinds import kind_of
from libraries.errors import SodaliteError

MISSING = "not recorded"
Picture = Callable[[Callable[[], object], str], Html]
_DEPTH = {"none": MISSING, "rate": "one sputter rate", "crater": "crater depth", "phases": "one rate a phase"}
_WIDTH = 150.0  # mm


def sims_sections(entry: Entry, picture: Picture) -> list[Html]:
    """All that a ToF-SIMS entry holds.

    Parameters
    ----------
    picture : callable
        (draw a figure, what it shows) -> HTML.
    """
    parts: list[Html] = [tag("h3", entry.title), facts(_conditions(entry))]
    sections = (_masses,) if kind_of(entry.spectrum) == "spectrum" else (_traces, _ions, _depth, _factors, _by_xps)
    for section in sections:
        try:
            parts += section(entry, picture)
        except SodaliteError as error:
            parts.append(tag("p", str(error), class_="warn"))
    return parts


def _conditions(entry: Entry) -> list[tuple[str, object]]:
    from app.project.masses import polarity_of

    spectrum, meta = entry.spectrum, entry.spectrum.meta
    told = dict(meta.extra)
    rows: list[tuple[str, object]] = [
        ("Ions", polarity_of(entry) or MISSING),
        ("Instrument", meta.instrument or MISSING),
        ("Dead time", told.get("dead time") or MISSING),
        ("Primary pulses", told.get("pulses") or MISSING),
    ]
    if spectrum.navigation:
        rows.append(("Points", " × ".join(str(len(axis)) for axis in spectrum.navigation)))
        along = [axis for axis in (spectrum.navigation[0], *spectrum.scales) if axis.quantity != "index"]
        rows += [(axis.label, f"{axis.values[0]:.5g} to {axis.values[-1]:.5g}") for axis in along]
    rows += [(name.capitalize(), text) for name, text in meta.extra
             if name in ("points left out", "ratio column left out", "fluence", "unresolved")]
    return rows


# -- mass spectra -------------------------------------------------------------------------------------------------


def _masses(entry: Entry, picture: Picture) -> list[Html]:
    """The spectrum, its mass scale with residuals, and its peak list."""
    from app.files.sims_figures import mass_figure
    from app.project import mass_calibration, masses

    shown = entry.single()
    parts = [picture(lambda: mass_figure(shown, width=_WIDTH, title=entry.title), shown.name)]
    view = masses.view_of(entry, shown)
    step = masses.scale_step(entry)
    if step is not None:
        law = f"t = {step.number('slope'):.9g} √m {step.number('offset'):+.6g} channels"
        parts += [tag("h4", "Mass scale"), tag("p", f"{law}; {step.note or 'origin not recorded'}")]
    law_ = mass_calibration.calibration_of(entry, view)
    if law_ is not None:
        rows = [(str(one.ion), f"{one.ion.mz:.5f}", with_error(one.channel, one.error or math.nan), f"{ppm:+.1f}")
                for one, ppm in zip(law_.calibrants, law_.residuals_ppm, strict=True)]
        parts.append(table(("Calibrant", "Exact m/z", "Channel", "Residual / ppm"), rows, numbers=(1, 2, 3)))
        parts += [tag("p", text, class_="warn") for text in law_.warnings]
    return parts + _peaks(entry)


def _peaks(entry: Entry) -> list[Html]:
    from app.project import dead_time, masses
    from fitting.sims.ion_names import words_of

    found = entry.masses.peaks
    if not found:
        return []
    lines = masses.measured(entry, masses.view_of(entry, entry.single()))
    flagged = dead_time.strength(entry, lines)
    rows = []
    for peak, line, full in zip(found, lines, flagged, strict=True):
        names = [words_of(name, math.inf) for name in (peak.name, *peak.alternatives) if name]
        counts = with_error(line.counts, line.counts_error) if line is not None else "not determined"
        width = f"{line.resolution:.0f}" if line is not None and line.width > 0 else ""
        rows.append((f"{peak.mass:.4f}", " or ".join(dict.fromkeys(names)) or "not assigned", counts, width,
                     full))
    return [tag("h4", "Peaks"), table(("m/z", "Ion", "Counts", "m/Δm", "Remark"), rows, numbers=(0, 2, 3))]


# -- profiles and cubes -------------------------------------------------------------------------------------------


def _profile(entry: Entry) -> Spectrum:
    from app.project.sims_profiles_at import profile_at

    return profile_at(entry)


def _traces(entry: Entry, picture: Picture) -> list[Html]:
    from app.files.sims_figures import traces_figure
    from app.project.sims_depth import answer
    from app.project.sims_profiles import show_profile

    if kind_of(entry.spectrum) == "image":
        return []
    profile = _profile(entry)
    shown, found = show_profile(entry, profile), answer(entry, profile)
    draw = picture(
        lambda: traces_figure(shown, logarithmic=entry.profile.logarithmic, width=_WIDTH, title=entry.title,
                              answer=found), f"Profile of {entry.title}",
    )  # fmt: skip
    return [draw, *(tag("p", note, class_="warn") for note in shown.notes)]


def _ions(entry: Entry, picture: Picture) -> list[Html]:
    """What the channels hold, isotope checks, dead time."""
    from app.project.sims_ions import ion_table

    if kind_of(entry.spectrum) == "image":
        return []
    found = ion_table(entry, _profile(entry))
    rows = []
    for row in found.rows:
        also = ", ".join(row.also)
        remark = "; ".join(text for text in (f"also {also}" if also else "", f"saturated: {row.saturated}"
                                             if row.saturated else "") if text)
        masses = [f"{value:.4f}" if math.isfinite(value) else "" for value in (row.mass, row.exact)]
        rows.append((row.words, row.kind, *masses, with_error(row.counts, row.error), remark))
    given = "" if found.given else ", the program's default"
    parts = [
        tag("h4", "Ions"), tag("p", f"{found.state} Names that m/Δm = {found.resolution:.0f}{given} cannot exclude "
                               "stand beside each other."),
        table(("Ion", "Kind", "m/z of the file", "Exact m/z", "Counts", "Remark"), rows, numbers=(2, 3, 4)),
    ]
    checks = [(f"{one.minor} / {one.major}", with_error(one.ratio, one.error), f"{one.natural:.5f}", f"{one.pull:+.1f}",
               one.verdict) for one in found.checks]
    if checks:
        parts += [tag("h4", "Isotopes"), table(("Ratio", "Measured", "Natural", "Pull", "Verdict"), checks,
                                               numbers=(1, 2, 3))]
    return parts


def _depth(entry: Entry, picture: Picture) -> list[Html]:
    """Depth scale, interfaces, layers."""
    from app.project.sims_depth import answer, response_words

    if kind_of(entry.spectrum) == "image":
        return []
    found, scale = answer(entry), entry.depth
    parts: list[Html] = []
    if scale.kind != "none" or entry.interfaces or found.layers is not None:
        words = found.depth.words if found.depth is not None else found.depth_failed or _DEPTH[scale.kind]
        parts += [tag("h4", "Depth"), tag("p", joined((words, f" Origin: {scale.note}." if scale.note else "")))]
    if scale.kind == "phases":
        rows = [(one.phase, with_error(one.rate, one.error) if one.error > 0 else f"{one.rate:g}")
                for one in scale.phases]
        parts.append(table(("Phase", "Rate (nm/s)"), rows, numbers=(1,), narrow=True))
    rows = []
    for one in found.interfaces:
        unit = f" {one.unit}" if one.unit else ""
        value = one.failed or f"{with_error(one.position, one.position_error)}{unit}"
        width = "" if one.failed else f"{with_error(one.width, one.width_error)}{unit}"
        chi2 = f"{one.chi2:.2f}" if math.isfinite(one.chi2) else ""
        rows.append((one.interface.name, one.label, response_words(one.interface), value, width, chi2, one.status))
    if rows:
        parts.append(table(("Interface", "Trace", "Response", "Position", "16–84 % width or thickness", "χ²/dof",
                            "Remark"), rows, numbers=(3, 4, 5)))
    return parts + _layers(found.layers, found.layers_failed)


def _layers(layers: object, failed: str) -> list[Html]:
    from fitting.sims.layers import Layers

    if not isinstance(layers, Layers):
        return [tag("p", failed, class_="warn")] if failed else []
    rows = []
    for layer in layers.rows:
        thick = with_error(layer.thickness, layer.error) if math.isfinite(layer.thickness) else "not determined"
        order = f"{layer.below:.3f}" if math.isfinite(layer.below) else ""
        rows.append((layer.number, layer.name, f"{layer.top:.4g}", thick, with_error(layer.amount, layer.amount_error),
                     f"{100 * layer.share:.0f} %", order, "; ".join(layer.remarks)))
    heads = ("", "Layer", f"Top ({layers.unit})", f"Thickness ({layers.unit})", f"By amount ({layers.unit})",
             "Largest share", "Probability of order", "Remark")
    return [tag("h4", "Layers"), table(heads, rows, numbers=(2, 3, 4, 5, 6)), tag("p", f"{layers.words}; the shares "
            f"add up to 1 within {100 * layers.misfit:.1f} %.", class_="note")]


def _factors(entry: Entry, picture: Picture) -> list[Html]:
    from app.files.sims_figures import factor_figure
    from app.project.sims_depth import answer
    from app.project.sims_profiles import resolution_of

    parts: list[Html] = []
    for about in entry.factors:
        parts += [
            tag("h4", about.title),
            tag("p", f"{len(about.labels)} ions; {'; '.join(about.constraints) or 'zero or above'}; "
                f"{'Poisson scaling' if about.poisson else 'no scaling'}. Lack of fit {about.lof:.2f} % (least "
                f"possible {about.lof_bound:.2f} %), explained {about.explained:.2f} %, χ²/dof {about.chi2:.3g}."),
            table(("Test", "Factors"), about.tests, numbers=(1,), narrow=True),
        ]
        along = answer(entry).along if kind_of(entry.spectrum) != "image" else None
        if along is not None and about.amounts.size and about.amounts.shape[1] == len(along):
            parts.append(picture(lambda a=about, z=along: factor_figure(a, z, width=_WIDTH,  # type: ignore[misc]
                                 resolution=resolution_of(entry)), about.title))
        if about.ambiguity:
            parts.append(tag("p", f"Bands: {about.ambiguity}.", class_="note"))
    return parts


def _by_xps(entry: Entry, picture: Picture) -> list[Html]:
    from app.files.by_xps_tables import report_rows, settings
    from app.project.sims_by_xps import compositions_of

    if not entry.by_xps.depths:
        return []
    found = compositions_of(entry)
    heads, rows = report_rows(found)
    return [tag("h4", "Composition of factors by XPS"), table(heads, rows, numbers=tuple(range(1, len(heads)))),
            tag("p", f"{found.label}. {'; '.join(settings(entry.by_xps, found))}.", class_="note")]
