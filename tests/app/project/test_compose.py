"""Compositions of a project: factor sets, transmission, region areas, series, studies; and what the store keeps."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import h5py
import numpy as np
import pytest

from app.files import read
from app.files.export import compositions, sample_names, write_csv_folder, write_hdf5
from app.files.report import report_html
from app.project import compose
from app.project.factors import lint, transmission_table, with_factor_set, without_factor_set
from app.project.project import Entry, Project, RegionFit, Sample, add_spectra
from app.project.store import load, save
from fitting.dataset import Meta, Noise
from fitting.engine import fit
from fitting.model import Background, FitModel
from libraries.attenuation import imfp_tpp2m
from libraries.elements import parse_line
from libraries.errors import BadData, NotDetermined, UnknownName
from libraries.sensitivity import FactorRow, FactorSet, scofield
from tests.fitting.problems import background, component, counted, grid, model

AL = 1486.6
PLACES = {"C 1s": (280.0, 285.0, 9000.0), "O 1s": (526.0, 531.5, 12000.0), "Na 1s": (1066.0, 1071.5, 8000.0)}


def entry(name, *, value=None, seed=0, scale=1.0, transmission=False):
    low, place, area = PLACES[name]
    blank = grid(121, low, low + 12.0)
    truth = model(
        component("p1", line=name, position=place, area=scale * area, fwhm=1.3),
        back=background("linear_active", level=80.0, slope=1.0), region=(low, low + 12.0),
    )
    spectrum = counted(blank, replace(truth, name=name), seed)
    meta = Meta(technique="xps", photon_energy=AL, dwell_time=0.1, sweeps=10.0, region=name, emission_angle=0.0)
    spectrum = spectrum.with_(meta=meta, transmission=np.linspace(1.0, 1.1, 121) if transmission else None)
    result = fit(spectrum, replace(truth, name=name))
    id = f"{name.replace(' ', '').lower()}{'' if value is None else f'_{value:g}'}"
    series = {} if value is None else {"variable": "depth", "value": value, "unit": "nm"}
    return Entry(id, spectrum, "s", fits=(RegionFit("r1", result.model, result),), **series)


@pytest.fixture(scope="module")
def project():
    return Project("test", (Sample("s", "one", "Na2CO3"),), tuple(entry(n, seed=i) for i, n in enumerate(PLACES)))


def factors(lines=("C 1s", "O 1s", "Na 1s"), contains=("sigma",), scale=1.0, energy=AL):
    rows = tuple(FactorRow(parse_line(n), scale * scofield(n, AL).value) for n in lines)
    return FactorSet("mine", "a table", contains, "C 1s", energy, rows)


def use(project, **changes):
    return project.with_sample(replace(project.sample("s"), **changes))


def percents(table):
    return {row.element: row.at_percent for row in table.elements}


def test_a_factor_set_is_used_and_named(project):
    plain = compose.composition(project, "s")
    mine = use(with_factor_set(project, factors()), factors="mine")
    table = compose.composition(mine, "s")
    assert percents(table) == pytest.approx(percents(plain))
    assert all(row.factor_source == "mine: a table" for row in table.rows)
    assert lint(mine, mine.sample("s")) == ()
    assert without_factor_set(mine, "mine").sample("s").factors == ""
    with pytest.raises(UnknownName, match="no factor set"):
        compose.composition(use(project, factors="other"), "s")


def test_what_a_set_contains_is_not_applied_again(project):
    """A set that holds sigma, T and lambda: amounts are A/s, by hand."""
    full = use(with_factor_set(project, factors(contains=("sigma", "T", "lambda"))), factors="mine")
    table = compose.composition(full, "s")
    amounts = {row.element: row.area / row.factor for row in table.rows}
    total = sum(amounts.values())
    assert percents(table) == pytest.approx({name: 100 * value / total for name, value in amounts.items()})
    assert {row.transmission_source for row in table.rows} == {"contained in mine: a table"}
    assert not any("T = 1 assumed" in text for text in table.warnings)


def test_lines_that_a_set_lacks(project):
    short = use(with_factor_set(project, factors(("C 1s", "O 1s"))), factors="mine")
    with pytest.raises(NotDetermined, match="no row for Na 1s"):
        compose.composition(short, "s")
    table = compose.composition(use(short, fallback=True), "s")
    assert percents(table) == pytest.approx(percents(compose.composition(project, "s")))
    assert "standing in" in next(row for row in table.rows if row.element == "Na").factor_source
    assert any("Na 1s: not in the factor set" in text for text in table.warnings)
    holding = with_factor_set(project, factors(("C 1s", "O 1s"), ("sigma", "T", "lambda")))
    whole = use(holding, factors="mine", fallback=True)
    with pytest.raises(NotDetermined, match="cannot stand in"):
        compose.composition(whole, "s")


def test_odd_sets_are_told(project):
    swapped = factors()
    rows = tuple(replace(r, value=b.value) for r, b in zip(swapped.rows, swapped.rows[::-1], strict=True))
    odd = use(with_factor_set(project, replace(swapped, rows=rows, photon_energy=1253.6)), factors="mine")
    words = " ".join(compose.composition(odd, "s").warnings)
    assert "swapped" in words
    assert "measured with 1486.6 eV" in words


def test_transmission_of_the_user_and_by_power(project):
    power = compose.composition(use(project, transmission_exponent=-0.7), "s")
    assert all("KE / 1000 eV" in row.transmission_source for row in power.rows)
    plain = compose.composition(project, "s")
    amounts = {r.element: r.normalised / (r.kinetic_energy / 1000.0) ** -0.7 for r in plain.rows}
    assert percents(power) == pytest.approx({k: 100 * v / sum(amounts.values()) for k, v in amounts.items()})
    table = transmission_table([(1500.0, 0.5), (300.0, 2.0)])
    given = compose.composition(use(project, transmission=table), "s")
    assert {row.transmission_source for row in given.rows} == {"the user's transmission table"}
    carbon = next(row for row in given.rows if row.element == "C")
    assert carbon.transmission == pytest.approx(2.0 - 1.5 * (carbon.kinetic_energy - 300.0) / 1200.0)
    with pytest.raises(NotDetermined, match="table ends at"):
        compose.composition(use(project, transmission=transmission_table([(900.0, 1.0), (1300.0, 0.8)])), "s")
    with pytest.raises(BadData):
        transmission_table([(100.0, 1.0), (100.0, 2.0)])
    mixed = project.with_entry(entry("C 1s", transmission=True))
    assert any("different sources" in text for text in compose.composition(mixed, "s").warnings)


def test_lambda_is_that_of_the_material(project):
    table = compose.composition(project, "s")
    assert table.material == "Na2CO3"
    for row in table.rows:
        assert row.imfp == pytest.approx(imfp_tpp2m(row.kinetic_energy, "Na2CO3"))


def test_a_region_by_data_minus_background(project):
    entry = project.entry("na1s")
    bare = FitModel((1067.0, 1077.0), Background("shirley", average=3), (), "Na 1s")
    survey = project.with_entry(replace(entry, fits=(RegionFit("r1", bare),)))
    assert "Na" not in percents(compose.composition(survey, "s"))
    counted_ = compose.set_area_kind(survey, "na1s", "r1", "region")
    table = compose.composition(counted_, "s")
    row = next(row for row in table.rows if row.element == "Na")
    assert row.area_kind == "region"
    assert row.area == pytest.approx(8000.0 / 1.0, rel=0.1)
    assert row.area_err > 0
    assert any("data minus background" in text for text in table.warnings)
    back = compose.set_area_kind(counted_, "na1s", "r1", "components")
    assert back.entry("na1s").fits[0].model.extra == ()
    everything = compose.count_by_regions(project, "s")
    assert {r.area_kind for r in compose.composition(everything, "s").rows} == {"region"}
    plain = percents(compose.composition(project, "s"))
    assert percents(compose.composition(everything, "s")) == pytest.approx(plain, rel=0.1)


@pytest.fixture(scope="module")
def series():
    entries = [entry(n, value=v, seed=10 * int(v) + i, scale=1.0 + v * (n == "Na 1s"))
               for v in (0.0, 1.0, 2.0) for i, n in enumerate(PLACES)]
    return Project("series", (Sample("s", "profile", ratios=("Na/C",)),), tuple(reversed(entries)))


def test_a_series(series):
    found = compose.profile(series, "s")
    assert [level for level, _ in found] == [0.0, 1.0, 2.0]
    sodium = [table.element("Na").at_percent for _, table in found]
    assert sodium == sorted(sodium)
    assert compose.gaps(series, "s") == []
    assert compose.series_of(series, "s") == (("depth", "nm"), (0.0, 1.0, 2.0))
    assert any("series of 3 levels" in text for text in compose.composition(series, "s").warnings)
    tables, missing = compositions(series)
    assert not missing
    assert [sample_names(series)[key] for key in tables] == [f"profile, depth {v} nm" for v in (0, 1, 2)]

    def unfitted(entry):
        bare = tuple(RegionFit("r1", f.model) for f in entry.fits)
        return replace(entry, fits=bare) if entry.value == 1.0 else entry

    bare = series.map_entries(unfitted)
    assert [level for level, _ in compose.profile(bare, "s")] == [0.0, 2.0]
    assert [level for level, _ in compose.gaps(bare, "s")] == [1.0]
    assert compose.level_of(series, series.entries[0]) == 2.0


def test_without_a_series_there_is_one_level(project):
    ((level, table),) = compose.profile(project, "s")
    assert level is None
    assert percents(table) == percents(compose.composition(project, "s"))
    other = project.map_entries(lambda e: replace(e, variable=e.id, value=1.0))
    with pytest.raises(NotDetermined, match="different quantities"):
        compose.profile(other, "s")


def test_studies_are_kept_saved_and_outdated(project, tmp_path):
    with_ratio = use(project, ratios=("Na/O", "Na/Xe"))
    done = compose.study(with_ratio, "s", "bootstrap", replicas=25)
    done = compose.study(done, "s", "model spread", groups=("background",))
    sample, table = done.sample("s"), compose.composition(done, "s")
    assert set(compose.studies_of(sample, table)) == {"bootstrap", "model spread"}
    save(done, tmp_path / "p.sodalite")
    back = load(tmp_path / "p.sodalite")
    again = getattr(back, "project", back)
    assert compose.studies_of(again.sample("s"), compose.composition(again, "s")) == compose.studies_of(sample, table)
    other = use(done, material="graphite")
    assert compose.studies_of(other.sample("s"), compose.composition(other, "s")) == {}
    ratios, missing = compose.ratios_of(sample, table)
    assert [r.name for r in ratios] == ["Na/O"]
    assert "Na/Xe" in missing[0]
    folder = write_csv_folder(done, tmp_path / "csv")
    cells = next(csv.DictReader(io.StringIO((folder / "elements.csv").read_text(encoding="utf-8"))))
    assert float(cells["Bootstrap error [at.%]"]) > 0
    assert float(cells["Model spread low [at.%]"]) <= float(cells["Amount [at.%]"])
    assert (folder / "ratios.csv").read_text().startswith("Sample,Ratio,Value")
    write_hdf5(done, tmp_path / "p.h5")
    with h5py.File(tmp_path / "p.h5") as file:
        part = file["spectrum_0001/composition/bootstrap"]
        assert part["elements_error"][0] == pytest.approx(float(cells["Bootstrap error [at.%]"]))
    text = report_html(done)
    assert "Model spread" in text
    assert "Atomic ratios" in text
    assert "Na/O" in text


def test_a_noise_of_unknown_size(project):
    entry = project.entry("na1s")
    spectrum = entry.spectrum.with_(noise=Noise("unknown"))
    bare = FitModel((1067.0, 1077.0), Background("shirley", average=3), (), "Na 1s")
    mute = project.with_entry(replace(entry, spectrum=spectrum, fits=(RegionFit("r1", bare),)))
    table = compose.composition(compose.set_area_kind(mute, "na1s", "r1", "region"), "s")
    assert np.isnan(table.element("Na").at_percent_err)
    assert any("has no error" in text for text in table.warnings)


@pytest.mark.realdata
def test_a_measured_survey_by_region_areas(realdata):
    """Regions drawn over a survey, no peaks: every line has an area with an error, doublets are one line."""
    survey = next(s for s in read(realdata / "xps" / "MoS2_WS2_assigned.vms") if s.name == "wide")
    project = add_spectra(Project("real"), [survey], "sample")
    entry = project.entries[0]
    # The sample charged by about -4 eV.
    regions = {"C 1s": (275.0, 288.0), "O 1s": (520.0, 537.0), "S 2p": (153.0, 168.0)}
    fits = tuple(
        RegionFit(f"r{i}", FitModel(ends, Background("shirley", average=2), (), name))
        for i, (name, ends) in enumerate(regions.items(), 1)
    )
    project = compose.count_by_regions(project.with_entry(replace(entry, fits=fits)), project.samples[0].id)
    table = compose.composition(project, project.samples[0].id)
    assert [row.line for row in table.rows] == list(regions)
    assert sum(row.at_percent for row in table.elements) == pytest.approx(100.0)
    assert all(0 < row.at_percent_err < 10 for row in table.rows)
    assert all(row.transmission_source == "transmission function of the file" for row in table.rows)
    done = compose.study(project, project.samples[0].id, "bootstrap", replicas=100)
    for i, row in enumerate(table.rows):
        assert done.samples[0].studies[0].of(f"row {i}").error == pytest.approx(row.at_percent_err, rel=0.35)
