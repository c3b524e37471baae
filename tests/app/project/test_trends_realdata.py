"""A measured depth profile and a measured angle series: split, propagated, fitted, followed along the series.

What is asserted is what any such series must show; the same work is tested on simulated series of known truth in
test_templates, test_propagate and test_trends.
"""

from __future__ import annotations

import numpy as np
import pytest

from app.files import read
from app.project import series, trends, work
from app.project.project import Project, RegionFit, add_spectra
from app.project.propagate import propagate, source_of
from app.project.template import template_of
from app.project.template_apply import analyse
from fitting import guess

pytestmark = pytest.mark.realdata


def levels_of(file):
    project = add_spectra(Project(file.stem), read(file))
    for entry in project.entries:
        if len(entry.spectrum.navigation) == 1:
            project, _ = series.split(project, entry.id)
    return series.with_variables(project, [entry.id for entry in project.entries])


def modelled(project, entry, low, high, line, position, background="linear_active"):
    spectrum = entry.processed()
    model = guess.new_model(spectrum, low, high, background, line)
    add = guess.add_doublet if "2p" in line or "3d" in line else None
    if add is not None:
        model = add(spectrum, model, line, position)
    else:
        model = guess.add_peak(spectrum, model, position, line=line)
    return project.with_entry(entry.with_fit(RegionFit("r1", model)))


def test_depth_profile_of_tin_oxide(realdata, measured):
    project = levels_of(realdata / "xps" / "SnO2_10nm_1.pro")
    tin = [e for e in project.entries if e.spectrum.name.startswith("Sn3d5")]
    assert len(tin) == 21
    first = tin[0]
    peak = float(first.processed().x[np.argmax(first.processed().y)])
    project = modelled(project, first, 481.0, 499.0, "Sn 3d5/2", peak)
    project = work.fit_region(project, first.id, "r1")
    done = propagate(project, source_of(project.entry(first.id)), tuple(e.id for e in tin[1:]))
    assert len(done.done) == 20
    assert done.notes == ()
    project = work.fit_all(done.project)
    places = [p for p in trends.points(project) if p.value is not None]
    assert [p.value for p in places] == [30.0 * i for i in range(21)]
    position, area = (q for q in trends.quantities(project, places) if q.component == "Sn 3d5/2"
                      and q.kind in ("position", "area"))
    found = trends.trend(project, places, (position, area))
    areas = np.array([row[1].value for row in found.readings])
    assert np.all(np.isfinite(areas))
    # Contamination is sputtered off first, then a film of 10 nm on silicon: tin rises, and falls to the end.
    top = int(np.argmax(areas))
    assert 0 < top < 10
    assert areas[-1] < 0.5 * areas[top]
    assert np.all(np.diff(areas[8:]) < 0)
    strong = areas > 0.3 * areas.max()
    spread = np.ptp([row[0].value for row, ok in zip(found.readings, strong, strict=True) if ok])
    measured("measured depth profile: spread of Sn 3d5/2 while tin is there", float(spread), "eV", "<= 1.5")
    assert spread <= 1.5


def test_angle_series_by_a_template_of_its_first_angle(realdata):
    project = levels_of(realdata / "xps" / "ARXPS.vms")
    firsts = [e for e in project.entries if e.value == 0.0]
    assert len(firsts) == 3
    for entry in firsts:
        spectrum = entry.processed()
        peak = float(spectrum.x[np.argmax(spectrum.y)])
        name = entry.spectrum.name
        project = modelled(project, entry, peak - 6.0, peak + 6.0, name if name != "Al 2p" else "Al 2s", peak)
    template = template_of(project, tuple(e.id for e in firsts), "angles")
    done = analyse(project, template, tuple(e.id for e in project.entries))
    assert len(done.placed) == 15
    places = trends.points(done.project)
    assert [p.variable for p in places] == ["emission angle"] * 5
    quantity = next(q for q in trends.quantities(done.project, places) if q.kind == "area" and q.region == "C 1s")
    readings = [row[0] for row in trends.trend(done.project, places, (quantity,)).readings]
    assert all(r.there for r in readings)
