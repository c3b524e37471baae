"""Factors calibrated by XPS: from the project alone, kept by it, with XPS of the project, in tables and the report."""

import csv
import math
from dataclasses import replace

import h5py
import numpy as np
import pytest

from app.files.by_xps_tables import factor_table, parse_xps, read_xps, write_calibrated
from app.files.export import write_csv_folder, write_hdf5
from app.files.report import write_report
from app.project import store, work
from app.project.compose import composition
from app.project.factor_analysis import Wish, keep_factors, solve
from app.project.project import Project, add_spectra
from app.project.sims_by_xps import (
    added,
    compositions_of,
    shares_along,
    taken_from_project,
    usable,
    with_by_xps,
    with_quantities,
    xps_offers,
)
from fitting.factors.constraints import Constraints
from fitting.sims.by_xps_setup import ByXps, XpsDepth
from fitting.sims.setup import DepthScale, PhaseRate
from fitting.simulate.sims.interphase import interphase, merged
from libraries.errors import BadFile, BadModel, NotDetermined, UnknownName
from tests.app.project import calibrated, simulated
from tests.fitting.sims import xps_truth


@pytest.fixture
def entry():
    return calibrated.project().entries[0]


@pytest.fixture(scope="module")
def found():
    return compositions_of(calibrated.project().entries[0], draws=60)


def test_factors_of_a_profile_get_their_composition(found, measured):
    wrong = np.abs(found.values - calibrated.COMPOSITIONS)
    measured("composition of factors found by MCR: largest error", wrong.max(), "at.%", "<= 3")
    assert wrong.max() <= 3.0
    assert np.all(wrong < 4.0 * found.errors)
    assert found.quantities == calibrated.ELEMENTS
    assert found.depth[-1] == pytest.approx(calibrated.END)


def test_simulated_interphase_from_counts_to_compositions(measured):
    """Voxels, five factors by MCR with closure, depths by the rates of the phases, XPS that sees 2.5 nm deep.

    Yields depend on the matrix and layers are uneven, so that shares are not exact: this is what the method can do.
    """
    _, cube, truth = interphase(3, size=24, scans=60)
    project = add_spectra(Project("p"), [merged(cube)])
    entry = project.entries[0]
    found = solve(entry.processed(), Wish("mcr", 5, constraints=Constraints(closure=True)))
    project, id = keep_factors(project, entry.id, found, entry.processed().hash)
    rates = tuple(PhaseRate(name, float(rate)) for name, rate in zip(truth.names, truth.rates, strict=True))
    setup = xps_truth.setup(np.random.default_rng(1), length=2.5, depth_error=0.3)
    entry = replace(project.entries[0], depth=DepthScale("phases", factors=id, phases=rates),
                    by_xps=replace(setup, factors=id))  # fmt: skip
    got = compositions_of(entry, draws=60)
    wrong = np.abs(got.values - xps_truth.COMPOSITIONS)
    measured("interphase from voxels: largest error of a composition", wrong.max(), "at.%", "<= 8")
    measured("interphase from voxels: rms error of compositions", np.sqrt(np.mean(wrong**2)), "at.%", "<= 2.5")
    measured("interphase from voxels: within two errors", np.mean(wrong < 2 * got.errors), "")
    assert got.determined.all()
    assert wrong.max() <= 8.0
    assert np.sqrt(np.mean(wrong**2)) <= 2.5


def test_shares_carry_their_errors(entry):
    known = shares_along(entry)
    assert known.shares.sum(axis=1) == pytest.approx(np.ones(calibrated.POINTS), abs=0.1)
    assert known.errors.shape == known.shares.shape
    assert known.parts.size == 0
    stated = replace(entry, depth=replace(entry.depth, crater_error=1.0))
    assert shares_along(stated).parts.shape == (1, calibrated.POINTS)


def test_bands_of_ambiguity_are_alternatives(entry):
    about = entry.factors[0]
    banded = replace(about, low=0.9 * about.amounts, high=1.1 * about.amounts)
    assert len(shares_along(replace(entry, factors=(banded,))).alternatives) == 6
    wide = compositions_of(replace(entry, factors=(banded,)), draws=40)
    plain = compositions_of(entry, draws=40)
    assert np.all(wide.errors >= plain.errors - 1e-12)
    assert wide.errors.max() > plain.errors.max()


def test_the_project_keeps_what_was_said(tmp_path, entry):
    project = calibrated.project()
    setup = replace(entry.by_xps, attenuation=2.4, angle=45.0, densities=(70.0, 66.0, 75.0),
                    depths=(*entry.by_xps.depths, XpsDepth(math.nan, 0.0, (math.nan,) * 3, (math.nan,) * 3)))
    project = with_by_xps(project, entry.id, setup)
    store.save(project, tmp_path / "a.sodalite")
    assert store.load(tmp_path / "a.sodalite").entries[0].by_xps == setup


def test_what_is_missing_is_said(entry):
    def told(**changes):
        return replace(entry, **changes)

    with pytest.raises(NotDetermined, match=r"no depth scale.*Depth page"):
        compositions_of(told(depth=DepthScale()))
    with pytest.raises(NotDetermined, match=r"not closed.*Closure"):
        compositions_of(calibrated.project(closed=False).entries[0])
    with pytest.raises(NotDetermined, match="No factor analysis is chosen"):
        compositions_of(told(by_xps=replace(entry.by_xps, factors="")))
    with pytest.raises(UnknownName, match="is gone"):
        compositions_of(told(by_xps=replace(entry.by_xps, factors="mcr_9")))
    with pytest.raises(NotDetermined, match="3 factors need XPS at 3 depths or more, and 2 are given"):
        compositions_of(told(by_xps=replace(entry.by_xps, depths=entry.by_xps.depths[:2])))
    assert usable(calibrated.project(closed=False).entries[0]) == ()


def test_other_data_than_the_factors_were_found_in_are_said(entry):
    about = replace(entry.factors[0], data_hash="another")
    assert any("data have changed" in note for note in compositions_of(replace(entry, factors=(about,)),
                                                                       draws=20).notes)


def test_elements_are_renamed_added_and_left_out(entry):
    setup = with_quantities(entry.by_xps, ("O", "C", "Na"))
    first = entry.by_xps.depths[0]
    assert setup.depths[0].amounts[:2] == (first.amounts[1], first.amounts[0])
    assert math.isnan(setup.depths[0].amounts[2])
    more = added(entry.by_xps, ("F", "Na"), (XpsDepth(2.0, 0.0, (60.0, 40.0), (1.0, 1.0)),))
    assert more.quantities == ("C", "O", "F", "Na")
    assert [one.depth for one in more.depths][:3] == [1.0, 2.0, 5.0]
    assert more.depths[1].amounts[2:] == (60.0, 40.0)
    assert math.isnan(more.depths[1].amounts[0])
    for names in (("C", "C"), ("C", " "), ("C", "x" * 41)):
        with pytest.raises(BadModel, match="cannot be one of the elements"):
            with_quantities(entry.by_xps, names)


# -- XPS of the project ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def xps_project():
    return work.fit_all(simulated.with_models(simulated.profile(2)[0]))


def test_levels_of_a_depth_series_are_taken_with_their_depths(xps_project):
    offers = xps_offers(xps_project)
    assert [one.title for one in offers] == ["Cathode, depth 0 nm", "Cathode, depth 2 nm"]
    setup = taken_from_project(xps_project, ByXps(), [one.key for one in offers])
    assert [one.depth for one in setup.depths] == [0.0, 2.0]
    assert [one.source for one in setup.depths] == [one.title for one in offers]
    table = composition(xps_project, xps_project.samples[0].id, 2.0)
    assert setup.depths[1].amounts == tuple(row.at_percent for row in table.elements)
    assert setup.depths[1].errors == tuple(row.at_percent_err for row in table.elements)
    assert set(setup.quantities) == {"C", "O", "Na"}


def test_a_sample_without_a_depth_has_to_be_given_one(xps_project):
    timed = xps_project.map_entries(lambda e: replace(e, variable="etch time", unit="s"))
    setup = taken_from_project(timed, ByXps(), [xps_offers(timed)[1].key])
    assert math.isnan(setup.depths[0].depth)
    with pytest.raises(UnknownName, match="no such composition"):
        taken_from_project(timed, ByXps(), ["nothing"])
    assert xps_offers(Project()) == ()


# -- tables ---------------------------------------------------------------------------------------------------------


def test_given_depths_are_written_and_read_back(tmp_path, entry):
    names, depths = read_xps(calibrated.write_xps(tmp_path / "xps.csv", entry.by_xps))
    assert names == entry.by_xps.quantities
    assert depths == entry.by_xps.depths


@pytest.mark.parametrize("text", [
    "depth,C,C error,O,O error\n0,60.5,0.7,39.5,0.7\n4,50,1,50,1\n",
    "Depth / nm\tC\t±\tO\t±\n0\t60,5\t0,7\t39,5\t0,7\n4\t50\t1\t50\t1\n",
    "depth [Å];C [at.%];C err;O (at.%);O std\n0;60.5;0.7;39.5;0.7\n40;50;1;50;1\n",
    "# remark\nEtch depth (nm),C 1s,O 1s\n0,60.5 ± 0.7,39.5 ± 0.7\n4,50 ± 1,50 ± 1\n",
])  # fmt: skip
def test_tables_as_people_write_them(text):
    names, depths = parse_xps(text, "t")
    assert [name[0] for name in names] == ["C", "O"]
    assert [one.depth for one in depths] == [0.0, pytest.approx(4.0)]
    assert depths[0].amounts == (60.5, 39.5)
    assert depths[1].errors == (1.0, 1.0)


def test_errors_of_depths_sources_and_empty_cells():
    _, depths = parse_xps("depth,depth error,C,O,source\n0,0.5,60,,cycled\n", "t", "file")
    assert depths[0].depth_error == 0.5
    assert depths[0].source == "cycled"
    assert math.isnan(depths[0].amounts[1])
    assert math.isnan(depths[0].errors[0])


@pytest.mark.parametrize(("text", "words"), [
    ("", "There is no table"),
    ("0,60,40\n4,50,50\n", "names no depth"),
    ("etch time (s),C,O\n0,60,40\n", "names no depth"),
    ("depth (s),C,O\n0,60,40\n", "no length"),
    ("depth\n0\n", "names no element"),
    ("depth,C,O\n", "no rows"),
    ("depth,C,C\n0,1,2\n", "Two columns"),
    ("depth,C,O error\n0,1,2\n", "errors of “O” and no amounts"),
    ("depth,C,O\n0,much,2\n", "line 2: “much” is no number"),
    ("depth,C,O\n,3,2\n", "line 2: A depth is missing"),
])  # fmt: skip
def test_tables_that_are_none(text, words):
    with pytest.raises(BadFile, match=words):
        parse_xps(text, "t")


def test_calibrated_factors_are_written(tmp_path, entry, found):
    paths = write_calibrated(tmp_path / "out", entry.by_xps, found)
    assert [path.name for path in paths] == ["by_xps_factors.csv", "by_xps_profile.csv", "by_xps_depths.csv"]
    texts = [path.read_text(encoding="utf-8") for path in paths]
    assert all("semi-quantitative" in text.splitlines()[0] for text in texts)
    rows = [list(csv.reader(line for line in text.splitlines() if not line.startswith("#"))) for text in texts]
    assert float(rows[0][1][2]) == found.values[0, 0]
    assert len(rows[1]) == calibrated.POINTS + 1
    assert "F from Factor 2 [at.%]" in rows[1][0]
    assert read_xps(paths[2])[1] == entry.by_xps.depths
    lost = replace(found, values=np.full_like(found.values, math.nan), determined=np.zeros(3, bool))
    assert factor_table(lost)[1][0][1:3] == (False, None)


def test_folder_and_report_hold_the_compositions(tmp_path):
    project = calibrated.project()
    target = write_csv_folder(project, tmp_path / "all")
    assert len(list(target.glob("*by_xps_factors.csv"))) == 1
    write_hdf5(project, tmp_path / "all.h5")
    with h5py.File(tmp_path / "all.h5") as file:
        held = file["spectrum_0001/composition_by_xps"]
        assert held["profile"].shape == (calibrated.POINTS, 3)
        assert "semi-quantitative" in held.attrs["title"]
    write_report(project, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Composition of factors by XPS" in text
    assert "semi-quantitative" in text
