"""The energy-loss samples worked through: what an analyst finds is what was put in."""

import json

import numpy as np
import pytest

from app import __main__ as program
from app.cli.losses import loss_objects, loss_text
from app.project import store
from app.samples import sample_project, worked_through
from fitting.simulate.eels.spheres import LOW_DOSE, sphere_image
from fitting.simulate.eels.vanadium import SAMPLES, vanadium_series


@pytest.fixture(scope="module")
def vanadium():
    """The series with its references, fitted and calibrated."""
    return worked_through(sample_project("eels-valence"), "eels-valence")


def test_valences_of_the_series(vanadium, measured):
    truth = {f"{name}, V L2,3": valence for name, valence, reference, _ in SAMPLES if not reference}
    found = {row["spectrum"]: row for answer in loss_objects(vanadium) for row in answer["valences"]}
    assert truth.keys() <= found.keys()
    worst = max(abs(found[name]["valence"] - valence) for name, valence in truth.items())
    measured("sample Na3V2(PO4)3: valence by own references, largest error", worst, "", "<= 0.15")
    assert worst <= 0.15
    assert all(0.005 < found[name]["valence_err"] < 0.1 for name in truth)


def test_the_series_in_words_and_saved(vanadium, tmp_path):
    text = loss_text(vanadium)
    assert "Desodiated, V L2,3: valence 3.9" in text or "Desodiated, V L2,3: valence 4.0" in text
    store.save(vanadium, tmp_path / "v.sodalite")
    assert store.load(tmp_path / "v.sodalite").equals(vanadium)


def test_other_seeds_have_other_slopes():
    assert len({round(vanadium_series(seed, noise=False).slope, 6) for seed in (1, 2, 3)}) == 3


@pytest.mark.full
def test_the_sphere_image(tmp_path, measured, capsys):
    assert program.main(["demo", "--technique", "eels", "--json", "-o", str(tmp_path)]) == 0
    answers = {row["sample"]: row for row in json.loads(capsys.readouterr().out)}
    spheres = answers["Sodiated carbon spheres"]
    salt = {row["element"]: row["at_percent"] for row in spheres["composition"]}
    project = store.load(tmp_path / "eels.sodalite")
    truth = sphere_image(2026).truth
    low, core = project.entry("low_loss"), project.entry("core_loss")
    mask = next(roi for roi in core.rois if roi.id == "salt").mask((64, 64))
    atoms = {element: float(rows[mask].mean()) for element, rows in truth.atoms.items()}
    for element, amount in atoms.items():
        assert salt[element] == pytest.approx(100 * amount / sum(atoms.values()), abs=4.0), element
    plasmon = low.map("na_position")
    inside = plasmon.good & (truth.classes == 2)
    pulls = (plasmon.values - truth.plasmon)[inside] / plasmon.error[inside]
    measured("sample image: Na plasmon energy, mean of pulls", float(pulls.mean()), "", "-0.25 to 0.25")
    measured("sample image: Na plasmon energy, spread of pulls", float(pulls.std()), "", "0.85 to 1.15")
    assert inside.sum() > 200
    assert abs(pulls.mean()) < 0.25
    assert 0.85 < pulls.std() < 1.15
    ratio = low.map("t_lambda")
    # Losses beyond the end of the axis are in no spectrum: ln(counts / zero loss) instead of ln(all / zero loss).
    seen = truth.relative_thickness + np.log(low.spectrum.counts.sum(axis=-1) / LOW_DOSE)
    thick = truth.relative_thickness > 0.1
    away = float(np.median(np.abs(ratio.values[thick] / seen[thick] - 1)))
    measured("sample image: t/λ of the counts on the axis, median relative error", away, "", "<= 0.03")
    assert away < 0.03
