"""What a report tells of energy-loss spectra and images."""

import re
from dataclasses import replace

import numpy as np
import pytest

from app.files.report import report_html
from app.project.factor_analysis import find_factors
from app.project.project import Project, add_spectra
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.image.maps import Map


@pytest.fixture(scope="module")
def project():
    """A small low-loss image with factors and a map that is out of date."""
    rng = np.random.default_rng(1)
    x = np.arange(-5.0, 60.0, 0.2)
    line = np.exp(-0.5 * (x / 0.4) ** 2)
    losses = np.exp(-0.5 * ((x - 22) / 4) ** 2)
    amounts = rng.uniform(200, 600, (6, 5, 1))
    counts = rng.poisson(4000 * line + amounts * losses)
    axes = tuple(Axis(3.0 * np.arange(float(n)), "distance", "nm") for n in (6, 5))
    meta = Meta(title="Low loss", technique="eels", beam_energy=200.0, convergence_angle=4.0)
    image = Spectrum(Axis(x, "energy_loss"), counts, Noise("poisson", 1.0), meta, navigation=axes)
    made = add_spectra(Project("Losses"), [image], "Film")
    made, _ = find_factors(made, made.entries[0].id, "mcr", 2)
    old = Map("old", "Old map", "eV", np.full((6, 5), 2.5), group="g", kind="window", origin="window 1 to 2 eV",
              data_hash="gone")
    return made.with_entry(made.entries[0].with_maps([old]))


def text_of(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_conditions_thickness_factors_and_maps_are_told(project):
    text = text_of(report_html(project))
    assert "Beam energy 200 keV" in text
    assert "4 mrad, not recorded" in text
    assert "6 × 5, 3 nm apart" in text
    assert re.search(r"t/λ 0\.\d+ ± 0\.\d+", text)
    assert "The material is not given" in text
    assert "MCR, 2 factors" in text
    assert "window 1 to 2 eV" in text
    assert "Out of date: the data have changed since." in text
    assert "Charge reference" not in text
    assert "ISO 22029" in text


def test_ratio_of_thickness_is_that_of_the_counts(project):
    spectrum = project.entries[0].single()
    zero = spectrum.y[np.abs(spectrum.x) < 2.0].sum()
    expected = np.log(spectrum.y.sum() / zero)
    found = float(re.search(r"t/λ (0\.\d+) ±", text_of(report_html(project)))[1])
    assert found == pytest.approx(expected, rel=0.02)


def test_maps_are_drawn_without_scripts(project):
    html = report_html(project)
    assert html.count("data:image/svg+xml") >= 2
    assert "<script" not in html


def test_a_map_of_a_series_has_a_row_but_no_picture(project):
    entry = project.entries[0]
    spectrum = entry.spectrum
    series = spectrum.with_(counts=spectrum.counts[0], navigation=spectrum.navigation[1:])
    one = Map("one", "Along the line", "", np.arange(5.0), group="g", origin="made here")
    changed = project.with_entry(replace(entry, spectrum=series, maps=(one,), factors=()))
    text = text_of(report_html(changed))
    assert "Along the line" in text
    assert "made here" in text
