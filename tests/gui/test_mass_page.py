"""The Mass page: click ions, apply the scale, find and name peaks, move limits, lists, dead time, logarithm."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest

from app.gui.window import MainWindow
from app.project.mass_calibration import PRESENT
from app.project.project import Project, add_spectra
from libraries.ions import parse_ion
from tests.app.project.test_masses import channel_of, spectrum


@pytest.fixture
def window(qtbot):
    """A window with a mass spectrum that is not calibrated."""
    window = MainWindow()
    qtbot.addWidget(window)
    window.document.reset(add_spectra(Project(), [spectrum()]))
    window.resize(1440, 900)
    window.show()
    window.inspector.show_page("Mass")
    qtbot.waitUntil(lambda: window.mass_panel.isVisible())
    yield window
    window.document.mark_saved(window.document.path)
    window.close()


def click_plot(window, x):
    point = window.view.data_position(x, 0.5).toPoint()
    QTest.mouseClick(window.view.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(point.x(), point.y()))


def calibrate(qtbot, window, ions=("Na2OH+", "Na2F+", "Na2CO3+")):
    page = window.mass_panel
    for ion in ions:
        at = channel_of(ion)
        window.view.show_range(at - 300, at + 300)
        page.scale.ion.setCurrentText(ion)
        page.scale.click.click()
        click_plot(window, at + 4)
        assert page.said == ""
    page.scale.use.click()
    qtbot.waitUntil(lambda: window.document.shown().axis.quantity == "mass")


def find(qtbot, window):
    window.mass_panel.peaks.find.click()
    qtbot.waitUntil(lambda: window.tasks.idle, timeout=60_000)
    qtbot.waitUntil(lambda: window.mass_panel.peaks.table.rowCount() > 0)
    assert window.mass_panel.said == ""


def test_clicks_calibrate_and_one_undo_takes_each_back(qtbot, window):
    page, document = window.mass_panel, window.document
    assert not page.peaks.find.isEnabled()
    assert not page.scale.use.isEnabled()
    assert "two lines" in page.scale.use.toolTip()
    assert not page.scale.remove.isEnabled()
    calibrate(qtbot, window)
    qtbot.waitUntil(lambda: not page.scale.use.isEnabled())
    assert page.scale.use.toolTip() == PRESENT
    assert page.scale.remove.isEnabled()
    assert [ion for ion, _ in document.entry.masses.calibrants] == ["Na2OH+", "Na2F+", "Na2CO3+"]
    assert document.undo_text == "Mass scale"
    assert "calibrated on" in page.scale.now.text()
    assert page.scale.table.rowCount() == 3
    x = document.shown().x
    assert x[round(channel_of("Na2OH+")) - (len(document.entry.spectrum.axis) - len(x))] == pytest.approx(
        parse_ion("Na2OH+").mz, abs=2e-3)
    # On the axis of m/z a click is turned into a channel by the present law.
    window.view.show_range(148.8, 149.1)
    page.scale.ion.setCurrentText("Na4F3+")
    page.scale.click.click()
    click_plot(window, 148.956)
    assert dict(document.entry.masses.calibrants)["Na4F3+"] == pytest.approx(channel_of("Na4F3+"), abs=0.5)
    page.scale.table.toggled.emit("Na4F3+", 0, False)
    assert document.entry.masses.unused == ("Na4F3+",)
    document.undo()
    document.undo()
    document.undo()
    assert document.shown().axis.quantity == "channel"


def test_found_peaks_are_named_renamed_and_limited(qtbot, window, tmp_path):
    page, document = window.mass_panel, window.document
    window.actions_["sims.find_peaks"].trigger()
    assert "Calibrate" in page.said
    calibrate(qtbot, window)
    find(qtbot, window)
    assert document.undo_text == "Find peaks"
    peaks = document.entry.masses.peaks
    number = next(i for i, one in enumerate(peaks) if abs(one.mass - 106.968) < 0.01)
    page.peaks.rows_view.selectRow(number)
    qtbot.waitUntil(lambda: page.line == number)
    assert page.names.table.rowCount() >= 2
    assert "Na₃F₂⁺" in page.names.head.text()
    assert "Na₂HCO₃⁺" in page.names.head.text()
    page.names.rows_view.selectRow(1)
    page.names.take.click()
    assert document.entry.masses.peaks[number].name == peaks[number].alternatives[0]
    band = window.view.bands.band("mass/peak")
    window.view.bands.move("mass/peak", band.low - 0.01, band.high, "low")
    assert document.entry.masses.peaks[number].low < peaks[number].low
    assert document.undo_text == "Limits of a peak"
    document.close_merge()
    page.names.own.setText("Na3F2+")
    page.names.take_text.click()
    assert document.entry.masses.peaks[number].name == "Na3F2+"
    page.names.own.setText("Cl-")
    page.names.take_text.click()
    assert "positive" in page.said
    page.names.formulas.setChecked(True)
    many = page.names.table.rowCount()
    assert many > 5
    page.peaks.save(tmp_path / "list.csv")
    page.peaks.remove.click()
    assert len(document.entry.masses.peaks) == len(peaks) - 1
    page.peaks.take(tmp_path / "list.csv")
    assert len(document.entry.masses.peaks) == len(peaks)
    page.peaks.take(tmp_path / "nothing.csv")
    assert "nothing.csv" in page.said


def test_a_line_is_added_by_a_click(qtbot, window):
    page, document = window.mass_panel, window.document
    calibrate(qtbot, window)
    window.view.show_range(62.9, 63.1)
    page.peaks.click.click()
    click_plot(window, 62.983)
    assert [one.name for one in document.entry.masses.peaks] == ["Na2OH+"]
    page.peaks.click.click()
    click_plot(window, 63.06)
    assert "Click on a" in page.said
    assert len(document.entry.masses.peaks) == 1


def test_dead_time_is_corrected_once(qtbot, window):
    page, document = window.mass_panel, window.document
    part = page.dead_time
    part.pulses.setText("5e6")
    part.channels.setText("20")
    part.go.click()
    assert page.said == ""
    assert [step.kind for step in document.entry.recipe.steps] == ["dead_time"]
    qtbot.waitUntil(lambda: not part.go.isEnabled())
    part.remove.click()
    assert document.entry.recipe.steps == ()
    part.pulses.setText("many")
    part.go.click()
    assert "number" in page.said


def test_settings_are_kept_and_wrong_ones_are_said(qtbot, window):
    page, document = window.mass_panel, window.document
    page.peaks.resolution.setText("5000")
    page.peaks.resolution.editingFinished.emit()
    page.names.tolerance.setText("50")
    page.names.tolerance.editingFinished.emit()
    assert (document.entry.masses.resolution, document.entry.masses.tolerance) == (5000.0, 50.0)
    page.peaks.resolution.setText("high")
    page.peaks.resolution.editingFinished.emit()
    assert "high" in page.said
    page.scale.ion.setCurrentText("Xx+")
    page.scale.click.click()
    assert "Xx" in page.said


def test_intensity_is_logarithmic_by_choice(qtbot, window):
    view, action = window.view, window.actions_["view.logarithmic"]
    assert action.isChecked()
    assert view.logarithmic
    top = view.canvas.mapper().y[1]
    assert top == pytest.approx(np.log10(window.document.shown().y.max()), abs=1.5)
    seen = []
    view.cursor_moved.connect(lambda _, y: seen.append(y))
    view.tell_cursor(view.data_position(channel_of("Na2OH+"), 3.0))
    assert seen[-1] == pytest.approx(1000.0, rel=0.05)
    action.trigger()
    assert not view.logarithmic
    assert view.canvas.mapper().y[1] > 1000
    view.tell_cursor(view.data_position(channel_of("Na2OH+"), 1000.0))
    assert seen[-1] == pytest.approx(1000.0, rel=0.05)


def test_the_logarithm_keeps_lines_above_the_noise_and_no_block_below(qtbot, window):
    from app.gui import theme
    from app.gui.plot.envelope import NO_COUNT

    view = window.view
    assert (view.spectrum().y == 0).sum() > 10_000
    assert view._picture.drawn[1].min() == pytest.approx(np.log10(NO_COUNT))  # zeros stand just below one count
    assert np.isfinite(view._picture.drawn[1]).all()
    view.canvas.viewport().repaint()
    image = view.canvas.viewport().grab().toImage()
    ratio = image.devicePixelRatio()
    ink = theme.current().data
    dark = QColor(ink).lightness()

    def inked(height):
        """Share of the columns of pixels that are inked at a height of the plot."""
        row = round(view.canvas.mapper().py(np.log10(height)) * ratio)
        box = view.canvas.mapper().box
        columns = range(round((box.left() + 12) * ratio), round((box.right() - 12) * ratio))
        return np.mean([abs(image.pixelColor(x, row).lightness() - dark) < 60 for x in columns])

    assert inked(0.7) < 0.35  # a line through all channels inks nearly all of it
    assert 0.0 < inked(100.0) < 0.1  # lines that stand out are drawn


def test_an_envelope_keeps_every_highest_channel(qtbot):
    from PySide6.QtCore import QRectF
    from PySide6.QtGui import QTransform

    from app.gui.plot.envelope import columns_of, floor_of

    rng = np.random.default_rng(0)
    x = np.arange(1_000_000.0)
    y = rng.poisson(0.3, x.size).astype(float)
    y[[10, 654_321]] = 1e5
    scale = QTransform.fromScale(800 / x.size, -1.0)
    at, high = columns_of(x, np.log10(np.maximum(y, 0.5)), scale, QRectF(0, 0, x.size, 10))
    assert at.size == high.size <= 801
    assert (high == 5.0).sum() == 2
    assert abs(at[high == 5.0] - x[y == 1e5]).max() <= x.size / 800  # within its column
    assert high.min() >= np.log10(0.5)
    assert columns_of(x, y, QTransform.fromScale(8.0, -1.0), QRectF(1000, 0, 100, 10)) is None  # single channels
    assert floor_of(y, True) == 0.5
    assert floor_of(np.array([0.0, 4e-4, 0.2]), False) == pytest.approx(2e-4)
    assert floor_of(np.array([1e-20, 1.0]), False) == pytest.approx(1e-8)
    assert floor_of(np.zeros(3), False) == 0.5


def test_names_stand_on_the_plot_and_leave_with_the_page(qtbot, window):
    calibrate(qtbot, window)
    find(qtbot, window)
    window.view.show_range(60.0, 68.0)
    window.view.canvas.viewport().repaint()
    assert "Na₂OH⁺" in window.view.named_lines
    window.inspector.show_page("Process")
    window.view.canvas.viewport().repaint()
    assert window.view.named_lines == ()


def test_status_says_mass_with_four_decimals_and_channel(qtbot, window):
    calibrate(qtbot, window)
    window.status.show_cursor(62.98173, 10.0)
    assert "m/z 62.9817" in window.status.cursor_label.text()
    assert "channel 71" in window.status.cursor_label.text().replace("\u202f", "")


def test_a_curve_of_many_channels_keeps_its_extremes():
    from PySide6.QtCore import QRectF
    from PySide6.QtGui import QTransform

    from app.gui.plot.thinned import thinned

    rng = np.random.default_rng(0)
    x = np.arange(500_000.0)
    y = rng.poisson(1.0, x.size).astype(float)
    y[123_456] = 1e6
    scale = QTransform.fromScale(800 / x.size, -1.0)
    xs, ys = thinned(x, y, scale, QRectF(0, 0, x.size, 10))
    assert xs.size <= 4 * 802
    assert ys.max() == 1e6
    assert ys.min() == y.min()
    near, _ = thinned(x, y, QTransform.fromScale(800 / 400, -1.0), QRectF(1000, 0, 400, 10))
    assert near.size == pytest.approx(402, abs=2)


def test_one_line_is_not_taken_for_two_ions_and_a_crowded_click_is_told(qtbot, window):
    page, document = window.mass_panel, window.document
    at = channel_of("Na2OH+")
    for ion in ("Na2OH+", "Na2F+"):  # both clicks on the same line, enlarged
        window.view.show_range(at - 300, at + 300)
        page.scale.ion.setCurrentText(ion)
        page.scale.click.click()
        click_plot(window, at + 4)
    assert "This line is that of Na2OH+ already" in page.said
    assert [ion for ion, _ in document.entry.masses.calibrants] == ["Na2OH+"]
    other = channel_of("Na2F+")
    window.view.show_range(at - 25_000, at + 25_000)  # lines a few pixels apart: the one under the pointer is taken
    page.scale.ion.setCurrentText("Na2F+")
    page.scale.click.click()
    click_plot(window, other)
    found = dict(document.entry.masses.calibrants)
    assert abs(found["Na2F+"] - other) < 20
    assert "enlarge the plot" in page.said
