"""The Low loss page: settings as undo steps, thickness, model, sodium test, gap, dielectric function, maps."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton

from app.gui.eels.low_loss_panel import GAP
from app.project.project import Project, add_spectra
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.eels.drude import loss_function

LEFT = Qt.MouseButton.LeftButton
STEP = 0.05
ENERGY = STEP * np.arange(-80, 900)


def counts(sodium=0.2, dose=1e6, gap=None):
    """Zero loss 0.2 eV wide, sodium plasmon with its double, a broad loss at 22 eV; or an onset at a gap."""
    e = np.maximum(ENERGY, 1e-3)

    def line(position, width):
        q = np.sqrt(4 * position**2 / width**2 - 1)
        area = position**2 * 2 / width * np.arctan(q) / q
        return np.where(ENERGY > 0, loss_function(e, position, width)[0] / area, 0) * STEP

    zero = np.exp(-4 * np.log(2) * (ENERGY / 0.2) ** 2)
    zero = zero / zero.sum()
    losses = 0.25 * line(22.0, 10.0) + sodium * line(5.7, 0.45) + sodium**2 / 2 * line(11.4, 0.9)
    if gap is not None:
        losses = 1e-3 * np.sqrt(np.maximum(ENERGY - gap, 0.0)) * STEP
    total = zero + np.convolve(losses, zero)[80 : 80 + ENERGY.size]
    return dose * total + 0.2


def spectrum(rows, name="Low loss"):
    navigation = tuple(Axis(np.arange(n, dtype=float), "distance", "nm") for n in rows.shape[:-1])
    meta = Meta(title=name, region=name, technique="eels", beam_energy=200.0, convergence_angle=5.0,
                collection_angle=10.0)
    seen = np.random.default_rng(3).poisson(rows).astype(float)
    return Spectrum(Axis(ENERGY, "energy_loss"), seen, Noise("poisson", 1.0), meta, navigation=navigation)


def shown(qtbot, window, one):
    window.files.show_project(add_spectra(Project("Losses"), [one]), None)
    window.actions_["eels.low_loss"].trigger()
    panel = window.low_loss_panel
    qtbot.waitUntil(lambda: window.tasks.idle and panel.kept("thickness") is not None, timeout=30_000)
    return panel


def type_in(qtbot, line, text):
    line.setFocus()
    line.selectAll()
    qtbot.keyClicks(line, text)
    qtbot.keyClick(line, Qt.Key.Key_Return)


def press(qtbot, widget, text):
    qtbot.mouseClick(next(b for b in widget.findChildren(QPushButton) if b.text() == text), LEFT)


def test_thickness_with_material_asked_for(qtbot, window):
    panel = shown(qtbot, window, spectrum(counts()))
    part, document = panel.thickness, window.document
    assert part.value.text().startswith("t/λ = 0.3")
    assert part.ways.rowCount() >= 4
    reasons = [part.paths.cell(part.paths.index(row, 3)).text for row in range(4)]
    assert "density is not given" in reasons[0]
    assert "material is not given" in reasons[2]

    type_in(qtbot, part.formula, "Na")
    type_in(qtbot, part.density, "0.97")
    qtbot.waitUntil(lambda: window.tasks.idle and panel.kept("thickness") is not None, timeout=30_000)
    assert document.entry.loss.formula == "Na"
    assert document.entry.loss.density == 0.97
    # 213.345 and 136.227 nm: Egerton 2011, appendix B (IMFP), for exactly this beam
    paths = [part.paths.cell(part.paths.index(row, 1)).text for row in (0, 2)]
    assert [float(text) for text in paths] == pytest.approx([213.3, 136.2], abs=0.15)
    type_in(qtbot, part.density, "-1")
    assert "above zero" in panel.said
    assert document.entry.loss.density == 0.97
    document.undo()
    document.undo()
    assert document.entry.loss.formula == ""


def test_model_is_set_up_and_fitted(qtbot, window):
    panel = shown(qtbot, window, spectrum(counts()))
    panel.folds[1].show_content(True)
    part = panel.model
    part.boxes["na"].setChecked(False)
    assert not part.boxes["na2"].isChecked()  # goes with what it needs
    part.boxes["na2"].setChecked(True)
    assert part.boxes["na"].isChecked()
    for key in ("pi", "na_l", "na_s", "na_b"):
        part.boxes[key].setChecked(False)
    press(qtbot, part, "Set up model")
    document = window.document
    assert document.undo_text == "Set up low-loss model"
    model = document.fit.model
    assert {c.id for c in model.components} == {"zl", "na", "na2", "ps"}
    assert model.response is not None
    press(qtbot, part, "Fit")
    qtbot.waitUntil(lambda: window.tasks.idle and document.fit.result is not None, timeout=60_000)
    assert document.fit.result.value("na.position") == pytest.approx(5.7, abs=0.02)
    window.actions_["eels.low_loss"].trigger()
    qtbot.waitUntil(lambda: part.rows.rowCount() == 3, timeout=60_000)  # pages follow with a short pause
    assert part.rows.cell(part.rows.index(0, 1)).text.startswith(("5.69", "5.70"))


def test_sodium_test_and_its_dropped_result(qtbot, window):
    panel = shown(qtbot, window, spectrum(counts()))
    panel.folds[2].show_content(True)
    press(qtbot, panel.sodium, "Test")
    qtbot.waitUntil(lambda: window.tasks.idle and panel.sodium.found is not None, timeout=120_000)
    assert panel.sodium.value.text().startswith("Na metal")
    assert panel.sodium.rows.rowCount() == 4
    assert panel.sodium.clues.rowCount() >= 3
    panel.change("Other", formula="C")
    assert panel.sodium.found is None  # a result of other settings is not shown


def test_gap_by_the_band(qtbot, window):
    panel = shown(qtbot, window, spectrum(counts(gap=4.5, dose=4e6)))
    panel.folds[3].show_content(True)
    part = panel.gap
    press(qtbot, part, "Fit the gap")
    assert "window of the gap is not chosen" in part.words.text()
    type_in(qtbot, part.low, "3")
    type_in(qtbot, part.high, "6.5")
    bands = window.view.bands
    assert any(band.name == GAP for band in bands.shown)
    press(qtbot, part, "Fit the gap")
    assert part.value.text().startswith("Eg = 4.")
    found = panel.kept("gap")
    assert found.gap == pytest.approx(4.5, abs=0.03)
    assert "Čerenkov" in part.warnings.text()
    bands.moved.emit(GAP, 3.2, 6.5)
    bands.released.emit(GAP, 3.2, 6.5)
    assert window.document.entry.loss.gap_low == 3.2
    panel.folds[3].show_content(False)
    assert not any(band.name == GAP for band in bands.shown)


def test_dielectric_function_and_its_table(qtbot, window, tmp_path):
    panel = shown(qtbot, window, spectrum(counts()))
    panel.folds[4].show_content(True)
    part = panel.dielectric
    press(qtbot, part, "Compute")
    qtbot.waitUntil(lambda: window.tasks.idle, timeout=30_000)
    assert "Nothing normalises" in part.words.text()
    part.by.setCurrentIndex(part.by.findData("metal"))
    part.by.activated.emit(part.by.currentIndex())
    press(qtbot, part, "Compute")
    qtbot.waitUntil(lambda: window.tasks.idle and part.found is not None, timeout=60_000)
    assert part.value.text().endswith("nm")
    part.write(tmp_path / "eps.csv")
    table = np.genfromtxt(tmp_path / "eps.csv", delimiter=",", names=True)
    assert table["eps1"] == pytest.approx(part.found.eps.real, rel=1e-6)
    assert {"energy_eV", "eps1_err", "eps2", "loss_function"} <= set(table.dtype.names)


def test_maps_of_thickness_as_one_step(qtbot, window):
    rows = np.stack([counts(sodium=s) for s in (0.0, 0.1, 0.2, 0.3)]).reshape(2, 2, -1)
    panel = shown(qtbot, window, spectrum(rows))
    panel.change("Material", formula="Na", density=0.97)
    press(qtbot, panel.thickness, "Map of every pixel")
    qtbot.waitUntil(lambda: window.tasks.idle and bool(window.document.entry.maps), timeout=30_000)
    names = [one.id for one in window.document.entry.maps]
    assert names == ["t_lambda", "thickness_0", "thickness_1", "thickness_2", "thickness_3"]
    assert np.all(np.diff(window.document.entry.map("t_lambda").values.ravel()) > 0)
    assert window.document.undo_text == "Thickness of every pixel"
    window.document.undo()
    assert not window.document.entry.maps


def test_core_loss_alone_says_what_is_missing(qtbot, window):
    core = spectrum(counts())
    core = core.with_(axis=Axis(ENERGY + 400, "energy_loss"))
    window.files.show_project(add_spectra(Project("Core"), [core]), None)
    window.actions_["eels.low_loss"].trigger()
    panel = window.low_loss_panel
    assert "no zero-loss peak" in panel.thickness.words.text()
    assert not panel.folds[0].isEnabled()
