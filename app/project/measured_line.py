"""A measured spectrum as a line shape: the line of one spectrum becomes a component of a region of another."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from app.project.project import Entry, Project, RegionFit
from fitting.backgrounds import end_levels
from fitting.curves import curves
from fitting.model import Component, Curve, Param
from fitting.shapes import axis_direction, shape
from libraries.errors import BadData, BadModel

SHAPE = "measured"
# Points averaged to either side of each end of a spectrum without a region, for the line between the ends.
_ENDS = 3


def curve_of(entry: Entry, region: RegionFit | None = None) -> Curve:
    """The line of a spectrum without its background, on binding energies with 0 at its maximum.

    Parameters
    ----------
    region : RegionFit, optional
        The region whose background is taken off; by default the first of the spectrum. Without any, a straight line
        between the averaged ends of the spectrum is taken off.

    Raises
    ------
    BadData
        If the spectrum is a series, or nothing stands above its background.
    """
    spectrum = entry.processed()
    if spectrum.navigation:
        raise BadData("A series has no single line", where=entry.title, todo="Split it into spectra first")
    region = region or next(iter(entry.fits), None)
    if region is not None:
        drawn = curves(spectrum, region.model)
        x, y = drawn.x, drawn.y - drawn.background
    else:
        low, high = end_levels(spectrum.y, _ENDS)
        x = spectrum.x
        y = spectrum.y - (low + (high - low) * (x - x[0]) / (x[-1] - x[0]))
    if x.size < 4 or not float(np.trapezoid(y, x)) > 0:
        raise BadData("Nothing stands above the background", where=entry.title, todo="Choose a spectrum with a line")
    if axis_direction(spectrum.axis.quantity) < 0:
        x, y = -x[::-1], y[::-1]
    return Curve(tuple(x - x[int(np.argmax(y))]), tuple(y), entry.title)


def add_measured_line(project: Project, entry_id: str, fit_id: str, source_id: str) -> tuple[Project, str]:
    """A region with one more component, drawn after the line of another spectrum.

    Returns
    -------
    project, component : Project, str
        The component stands where the region's data are highest above its model, held as broad as it was measured.

    Notes
    -----
    The measured line brings its own noise along, which the errors of the fit do not hold.

    Raises
    ------
    BadData, BadModel
        If source and region are the same spectrum, or the source holds no line.
    """
    if source_id == entry_id:
        raise BadModel("A spectrum cannot be its own line", todo="Choose a second spectrum")
    entry, source = project.entry(entry_id), project.entry(source_id)
    region = entry.fit(fit_id)
    curve = curve_of(source)
    spectrum = entry.processed()
    drawn = curves(spectrum, region.model)
    net = drawn.y - drawn.envelope
    at = int(np.argmax(net))
    height = max(float(net[at]), 0.02 * float(np.ptp(drawn.y)))
    area = height * float(np.trapezoid(curve.y, curve.x)) / max(curve.y)
    known = shape(SHAPE)
    width = known.parameters[-1]
    low, high = region.model.region
    component = Component(
        region.model.fresh_id(), f"as {source.title}", SHAPE,
        {
            "area": Param(area, 0.0), "position": Param(float(drawn.x[at]), low, high),
            width.name: Param(width.default, width.minimum, width.maximum, vary=False),
        },
        line=next((c.line for c in region.model.components if c.line), ""),
        source=f"measured: {source.title}", curve=curve,
    )  # fmt: skip
    model = region.model.with_component(component)
    return project.with_entry(entry.with_fit(replace(region, model=model, result=None))), component.id
