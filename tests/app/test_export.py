"""Exports and figures of a project."""

from __future__ import annotations

import csv
import os
import threading
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from app.files import export, read
from app.files.figures import COLUMN, PAGE, fit_figure, save_figure, spectrum_figure, svg_text
from app.project import work
from app.project.project import Project, RegionFit, add_spectra
from fitting.curves import curves
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.model import Background, Component, FitModel, Param
from libraries.errors import BadData, CannotWrite


def model(**names: str) -> FitModel:
    def peak(id, position):
        params = {"area": Param(2000.0, 0), "position": Param(position), "fwhm": Param(1.2, 0.5, 3), "mix": Param(0.3)}
        return Component(id, names.get(id, "C"), "gl_sum", params, line="C 1s")

    background = Background("linear_active", {"level": Param(100.0), "slope": Param(0.0)})
    return FitModel((281.0, 292.0), background, (peak("p1", 284.8), peak("p2", 289.2)), "C 1s")


def spectrum(quantity: str = "binding_energy", **meta) -> Spectrum:
    x = np.arange(280.0, 293.05, 0.1)
    flat = Spectrum(Axis(x, "binding_energy"), np.full(len(x), 100.0), meta=Meta(technique="xps"))
    counts = np.random.default_rng(4).poisson(curves(flat, replace(model(), region=(279.0, 294.0))).envelope)
    about = {"region": "C 1s", "technique": "xps", "sample": "Film", "photon_energy": 1486.6} | meta
    return Spectrum(Axis(x, quantity), counts, Noise("poisson", 1.0), Meta(**about))


@pytest.fixture(scope="module")
def project() -> Project:
    made = add_spectra(Project("P"), [spectrum(), spectrum(region="a/b:c*?", sample="../Film")])
    made = made.with_entry(made.entries[0].with_fit(RegionFit("r1", model())))
    return work.fit_all(made)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# ------------------------------------------------------------------------------------------------------------- tables


def test_a_region_as_a_table(project, tmp_path):
    folder = export.write_csv_folder(project, tmp_path / "a" / "b")
    entry = project.entries[0]
    fit = entry.fits[0]
    drawn = curves(entry.spectrum, fit.model)
    found = rows(folder / "Film C 1s.csv")
    assert list(found[0]) == [
        "Binding energy [eV]", "Intensity [counts]", "Background [counts]", "Envelope [counts]",
        "C + background [counts]", "C + background 2 [counts]", "Residual [standard deviations]",
    ]
    assert len(found) == len(drawn.x)
    for name, curve in (("Binding energy [eV]", drawn.x), ("Envelope [counts]", drawn.envelope),
                        ("Residual [standard deviations]", drawn.residual),
                        ("C + background 2 [counts]", drawn.background + drawn.component("p2"))):
        np.testing.assert_array_equal([float(row[name]) for row in found], curve)


def test_names_of_files_stay_in_the_folder(project, tmp_path):
    export.write_csv_folder(project, tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    assert "_Film a_b_c_.csv" in {p.name for p in (tmp_path / "out").iterdir()}


def test_tables_of_components_parameters_and_composition(project, tmp_path):
    export.write_csv_folder(project, tmp_path)
    result = project.entries[0].fits[0].result
    first = rows(tmp_path / "components.csv")[0]
    assert float(first["Position [eV]"]) == result.value("p1.position")
    assert float(first["Position error [eV]"]) == result.scaled_error("p1.position")
    assert (first["Status"], first["Area rate [1/s eV]"]) == ("converged", "")
    parameters = {(row["Component"], row["Parameter"]): row for row in rows(tmp_path / "parameters.csv")}
    assert float(parameters["background", "slope"]["Value"]) == result.value("background.slope")
    assert parameters["background", "slope"]["Unit"] == "counts/eV"
    assert parameters["C", "area"]["Lower bound"] == "0"
    table = work.composition(project, project.samples[0].id)
    lines = rows(tmp_path / "composition.csv")
    assert [float(row["Amount [at.%]"]) for row in lines] == [row.at_percent for row in table.rows]
    for name in ("s", "L", "T", "lambda"):
        assert all(row[f"Source of {name}"] for row in lines)
    (element,) = rows(tmp_path / "elements.csv")
    assert (element["Element"], float(element["Amount [at.%]"])) == ("C", pytest.approx(100))


def test_where_the_model_misses_structure_a_second_error_is_labelled(tmp_path):
    made = add_spectra(Project("P"), [spectrum()])
    made = work.fit_all(made.with_entry(made.entries[0].with_fit(RegionFit("r1", model().without("p2")))))
    result = made.entries[0].fits[0].result
    factor = result.reduced_chi2**0.5
    assert result.exceeds_noise
    export.write_csv_folder(made, tmp_path)
    (row,) = rows(tmp_path / "components.csv")
    assert float(row["Position error [eV]"]) == pytest.approx(result.error("p1.position"), rel=1e-12)
    assert float(row["Scaled position error [eV]"]) == result.scaled_error("p1.position")
    assert float(row["Error factor"]) == pytest.approx(factor)
    assert float(row["Scaled area error [intensity unit eV]"]) == pytest.approx(
        factor * float(row["Area error [intensity unit eV]"])
    )
    area = next(row for row in rows(tmp_path / "parameters.csv") if row["Parameter"] == "area")
    assert float(area["Standard error"]) == pytest.approx(result.error("p1.area"), rel=1e-12)
    assert float(area["Scaled error"]) == result.scaled_error("p1.area")
    with h5py.File(export.write_hdf5(made, tmp_path / "o.h5"), "r") as file:
        fit = file["spectrum_0001/fit_1"]
        assert fit["error_factor"][()] == pytest.approx(factor)
        assert fit["peak_p1/area_errors"][()] == pytest.approx(result.error("p1.area"), rel=1e-9)
        assert fit["peak_p1/area_errors_scaled"][()] == pytest.approx(result.scaled_error("p1.area"), rel=1e-9)
        assert (fit["aicc"][()], fit["deviance"][()]) == (result.aicc, result.deviance)
        assert fit["statistic"][()].decode() == "poisson deviance"


def test_without_misfit_there_is_no_second_error(project, tmp_path):
    assert not project.entries[0].fits[0].result.exceeds_noise
    export.write_csv_folder(project, tmp_path)
    assert {row["Scaled position error [eV]"] for row in rows(tmp_path / "components.csv")} == {""}
    assert {row["Scaled error"] for row in rows(tmp_path / "parameters.csv")} == {""}
    with h5py.File(export.write_hdf5(project, tmp_path / "o.h5"), "r") as file:
        assert "area_errors_scaled" not in file["spectrum_0001/fit_1/peak_p1"]
        assert file["spectrum_0001/fit_1/error_factor"][()] == 1.0


def test_hdf5_is_read_back_and_holds_fits_and_composition(project, tmp_path):
    path = export.write_hdf5(project, tmp_path / "o.h5")
    for back, entry in zip(read(path), project.entries, strict=True):
        np.testing.assert_array_equal(back.counts, entry.spectrum.counts)
    result = project.entries[0].fits[0].result
    with h5py.File(path, "r") as file:
        peak = file["spectrum_0001/fit_1/peak_p2"]
        assert peak["position"][()] == result.value("p2.position")
        assert peak["position_errors"][()] == result.scaled_error("p2.position")
        envelope = file["spectrum_0001/data/envelope"][:]
        assert np.isnan(envelope[0])
        assert np.isfinite(envelope[50])
        lines = file["spectrum_0001/composition/lines"]
        assert lines["at_percent"][:].sum() == pytest.approx(100)
        assert b"xraylib" in lines["factor_source"][0]


def test_vamas_holds_processed_spectra(project, tmp_path):
    shifted = work.charge_reference(project, project.samples[0].id, 284.8, 284.5, "C 1s at 284.5 eV")
    back = read(export.write_vamas_file(shifted, tmp_path / "o.vms"))
    np.testing.assert_allclose(back[0].x, project.entries[0].spectrum.x - 0.3, atol=1e-9)
    with pytest.raises(BadData):
        export.write_vamas_file(Project(), tmp_path / "none.vms")


def test_projects_without_fits_or_spectra(tmp_path):
    folder = export.write_csv_folder(add_spectra(Project(), [spectrum()]), tmp_path / "x")
    assert rows(folder / "components.csv") == []
    assert len(rows(folder / "Film C 1s.csv")) == 131
    export.write_csv_folder(Project(), tmp_path / "y")
    with pytest.raises(BadData):
        export.write_hdf5(Project(), tmp_path / "y.h5")
    assert not (tmp_path / "y.h5").exists()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs a folder that this user may not write")
def test_a_folder_that_cannot_be_made(project, tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(CannotWrite):
        export.write_csv_folder(project, tmp_path / "x")


def test_a_file_where_the_folder_should_be(project, tmp_path):
    (tmp_path / "x").write_text("here")
    with pytest.raises(CannotWrite):
        export.write_csv_folder(project, tmp_path / "x")


# ------------------------------------------------------------------------------------------------------------ figures


def figure_of(project: Project, **options):
    fit = project.entries[0].fits[0]
    return fit_figure(project.entries[0].spectrum, fit.model, fit.result, **options)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("suffix", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_figures_are_written(project, tmp_path, suffix, start, theme):
    path = save_figure(figure_of(project, theme=theme), tmp_path / f"f.{suffix}")
    assert path.read_bytes().startswith(start)


def test_the_same_figure_is_the_same_file(project, tmp_path):
    for suffix in ("png", "svg", "pdf"):
        one = save_figure(figure_of(project), tmp_path / f"1.{suffix}").read_bytes()
        assert one == save_figure(figure_of(project), tmp_path / f"2.{suffix}").read_bytes()


@pytest.mark.parametrize("width", [COLUMN, PAGE])
def test_figures_have_journal_width(project, width):
    assert figure_of(project, width=width).get_figwidth() * 25.4 == pytest.approx(width)
    assert spectrum_figure(spectrum(), width=width).get_figwidth() * 25.4 == pytest.approx(width)


@pytest.mark.parametrize(("quantity", "leftward"), [("binding_energy", True), ("kinetic_energy", False)])
def test_binding_energy_runs_right_to_left(quantity, leftward):
    for axes in fit_figure(spectrum(quantity), model()).axes:
        left, right = axes.get_xlim()
        assert (left > right) == leftward
    assert fit_figure(spectrum(quantity), model()).axes[1].get_xlabel().endswith("(eV)")


def test_a_doublet_has_one_name_and_one_colour(project):
    one = model(p1="V 2p3/2", p2="V 2p1/2")
    pair = one.with_component(replace(one.components[1], doublet="p1"))
    texts = [text.get_text() for text in fit_figure(spectrum(), pair).axes[0].texts]
    assert "V 2p3/2" in texts
    assert "V 2p1/2" not in texts


def test_names_of_components_do_not_touch():
    near = model(p1="a long name of a component", p2="another long name")
    near = near.with_values({"p2.position": 285.4})
    figure = fit_figure(spectrum(), near)
    figure.canvas.draw()
    names = [t for t in figure.axes[0].texts if "long name" in t.get_text()]
    first, second = (text.get_window_extent() for text in names)
    assert not first.overlaps(second)
    box = figure.axes[0].get_window_extent()
    assert all(box.y0 <= text.get_window_extent().y1 <= box.y1 for text in names)


@pytest.mark.parametrize("name", ["$\\frac{", "日本 🧂", "\x00\n", "x" * 300, "", "<b>&"])
def test_odd_names_are_drawn(name):
    figure = fit_figure(spectrum(), model(p1=name), title=name)
    assert "<b>" not in svg_text(figure)


def test_flat_empty_and_unfitted_data_are_drawn(tmp_path):
    nothing = spectrum().with_(counts=np.zeros(131, dtype=int))
    save_figure(spectrum_figure(nothing), tmp_path / "a.png", dpi=50)
    bare = FitModel((281.0, 292.0), Background("none"))
    save_figure(fit_figure(nothing, bare), tmp_path / "b.png", dpi=50)
    large = spectrum().with_(counts=spectrum().counts * 1000, noise=Noise("unknown"))
    assert "10³" in fit_figure(large, model()).axes[0].get_ylabel()


def test_figures_are_drawn_off_the_main_thread(project, tmp_path):
    made = []
    threads = [
        threading.Thread(target=lambda i=i: made.append(save_figure(figure_of(project), tmp_path / f"{i}.svg")))
        for i in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({path.read_bytes() for path in made}) == 1
    assert len(made) == 4


def test_other_endings_of_figures_are_refused(project, tmp_path):
    with pytest.raises(CannotWrite):
        save_figure(figure_of(project), tmp_path / "f.gif")


def test_many_components_get_letters_and_a_key():
    parts = [
        replace(model().components[0], id=f"p{i}", name=f"a long name, number {i}").with_(position=Param(284 + 0.3 * i))
        for i in range(1, 13)
    ]
    figure = fit_figure(spectrum(), FitModel((281.0, 292.0), Background("none"), tuple(parts)))
    axes = figure.axes[0]
    letters = [text.get_text() for text in axes.texts]
    assert {"a", "l"} <= set(letters)
    assert axes.get_legend().get_texts()[0].get_text() == "a  a long name, number 12"
    assert figure.canvas.get_renderer() is not None
