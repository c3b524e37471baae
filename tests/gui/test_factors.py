"""The Factors page finds, names, shows and removes factors, and the project keeps them."""

import numpy as np
import pytest

from app.gui.window import MainWindow
from app.project import store
from app.project.project import Project, add_spectra
from fitting.dataset import Axis, Meta, Noise, Spectrum


@pytest.fixture
def window(qtbot):
    """A window with a small image of two spectra mixed."""
    rng = np.random.default_rng(0)
    x = np.arange(60.0)
    spectra = np.array([np.exp(-0.5 * ((x - 15) / 4) ** 2), np.exp(-0.5 * ((x - 40) / 6) ** 2)])
    amounts = rng.uniform(0, 400, (9, 8, 2))
    amounts[0, :4, 0] = amounts[1, :4, 1] = 0.0
    axes = tuple(Axis(np.arange(float(n)), "distance", "nm") for n in (9, 8))
    image = Spectrum(Axis(x, "energy_loss"), rng.poisson(amounts @ spectra + 1.0), Noise("poisson", 1.0),
                     Meta(title="Image", technique="eels"), navigation=axes)
    window = MainWindow()
    qtbot.addWidget(window)
    window.document.reset(add_spectra(Project(), [image]))
    window.resize(1440, 900)
    window.show()
    window.inspector.show_page("Factors")
    yield window
    window.document.mark_saved(window.document.path)
    window.close()


def find(qtbot, window, method, k):
    panel = window.factors_panel
    panel.method.setCurrentIndex(panel.method.findData(method))
    panel.number.setValue(k)
    panel.go.click()
    qtbot.waitUntil(lambda: window.tasks.idle, timeout=60_000)
    assert panel.said == ""


def test_found_named_undone_saved_and_removed(qtbot, window, tmp_path):
    panel, document = window.factors_panel, window.document
    find(qtbot, window, "mcr", 2)
    assert [one.name for one in document.entry.maps] == ["MCR factor 1", "MCR factor 2"]
    assert panel.factors.rowCount() == 2
    assert "χ²/dof" in panel.figures.text()
    assert document.undo_text == "Factors of Image"
    panel.factors.edited.emit("0", 0, "Carbon")
    assert document.entry.factors[0].names == ("Carbon", "Factor 2")
    assert document.entry.maps[0].name == "Carbon"
    store.save(document.project, tmp_path / "a.sodalite")
    assert store.load(tmp_path / "a.sodalite").equals(document.project)
    panel.add.click()
    assert [e.title for e in document.project.entries][1:] == ["Carbon of Image", "Factor 2 of Image"]
    panel.remove.click()
    assert document.entry.factors == ()
    assert document.entry.maps == ()
    document.undo()
    assert len(document.entry.maps) == 2


def test_tests_of_the_number_are_shown(qtbot, window):
    panel = window.factors_panel
    panel.ask.click()
    qtbot.waitUntil(lambda: window.tasks.idle, timeout=60_000)
    assert panel.answers_view.isVisible()
    assert panel.answers.rowCount() == 5
    assert window.document.undo_text == ""


def test_what_cannot_be_is_said_and_changes_nothing(qtbot, window, caplog):
    panel = window.factors_panel
    panel.low.setText("abc")
    panel.go.click()
    assert "abc" in panel.said
    panel.low.setText("100")
    panel.high.setText("200")
    panel.go.click()
    qtbot.waitUntil(lambda: window.tasks.idle, timeout=60_000)
    assert "No data between 100 and 200" in caplog.text
    assert window.document.entry.maps == ()
