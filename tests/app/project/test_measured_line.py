"""The line of one spectrum as a component of another."""

import numpy as np
import pytest

from app.project import store, work
from app.project.measured_line import add_measured_line, curve_of
from app.project.project import Project, RegionFit, add_spectra
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.guess import new_model
from libraries.errors import BadData, BadModel

X = np.arange(280.0, 292.0, 0.05)
LEVEL = 200.0


def line(position, area, quantity="binding_energy"):
    """An odd line: two Lorentzians of different width, its tail at high binding energy."""
    d = X - position
    left, right = 1 / (1 + (d / 0.5) ** 2), 1 / (1 + (d / 1.1) ** 2)
    y = np.where(d < 0, left, right)
    values = LEVEL + area * y / np.trapezoid(y, X)
    axis = Axis(X, "binding_energy")
    if quantity == "kinetic_energy":
        axis, values = Axis(1486.6 - X[::-1], "kinetic_energy"), values[::-1]
    meta = Meta(technique="xps", region="C 1s", photon_energy=1486.6, sample="S")
    return Spectrum(axis, values, Noise("poisson", 1.0), meta)


def project_of(*spectra):
    project = add_spectra(Project("p"), list(spectra))
    for entry in project.entries:
        low, high = float(entry.spectrum.x[5]), float(entry.spectrum.x[-5])
        model = new_model(entry.spectrum, low, high, "constant", "C 1s")
        project = project.with_entry(entry.with_fit(RegionFit("r1", model)))
    return project


@pytest.mark.parametrize("quantity", ["binding_energy", "kinetic_energy"])
def test_a_line_measured_elsewhere_fits_with_its_true_area_and_shift(quantity):
    project = project_of(line(285.0, 5e5), line(285.6, 2e4, quantity))
    source, target = (entry.id for entry in project.entries)
    level = project.entry(source).fit("r1").model.with_values({"background.level": LEVEL})
    project = project.with_entry(project.entry(source).with_fit(RegionFit("r1", level)))
    project, component = add_measured_line(project, target, "r1", source)
    result = work.fit_region(project, target, "r1").entry(target).fit("r1").result
    expected = 285.6 if quantity == "binding_energy" else 1486.6 - 285.6
    assert result.value(f"{component}.position") == pytest.approx(expected, abs=0.03)
    # the region cuts tails off: 3 % of the line lie outside it
    assert result.value(f"{component}.area") == pytest.approx(2e4, rel=0.05)
    # no noise: what is left comes from the tails that the source region cuts off
    assert result.reduced_chi2 < 2


def test_without_a_region_a_straight_line_is_taken_off():
    project = add_spectra(Project("p"), [line(285.0, 1e4)])
    curve = curve_of(project.entries[0])
    assert max(curve.y) == pytest.approx(max(line(285.0, 1e4).y) - LEVEL, rel=0.1)
    assert curve.x[curve.y.index(max(curve.y))] == 0.0


def test_it_is_kept_in_the_project_file(tmp_path):
    project = project_of(line(285.0, 5e5), line(285.6, 2e4))
    source, target = (entry.id for entry in project.entries)
    project, _ = add_measured_line(project, target, "r1", source)
    store.save(project, tmp_path / "p.sodalite")
    assert store.load(tmp_path / "p.sodalite").equals(project)


def test_what_is_no_line_is_refused():
    flat = line(285.0, 0.0)
    project = project_of(flat, line(285.6, 2e4))
    source, target = (entry.id for entry in project.entries)
    with pytest.raises(BadData, match="Nothing stands above"):
        add_measured_line(project, target, "r1", source)
    with pytest.raises(BadModel, match="its own line"):
        add_measured_line(project, target, "r1", target)
