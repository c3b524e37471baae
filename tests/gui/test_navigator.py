"""The navigator by mouse and keys: cursor, shapes, undo, places, comparison, fits of places and of every pixel."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest

from app.gui import theme as themes
from app.gui.image import roi_edit
from app.gui.image.colouring import bar_length, coloured, label, limits
from app.gui.window import MainWindow
from app.project.project import Project, add_spectra
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.image.maps import Map
from fitting.image.place import ALL, Place, Roi
from fitting.shapes import shape
from tests.gui.plot_support import click, drag, move, press, release

X = 2.0 + 0.1 * np.arange(300)


def image(rows=12, columns=16, channels=X, seed=3):
    """Counts of a line that is stronger to the right and stands higher in lower rows."""
    rng = np.random.default_rng(seed)
    gl, counts = shape("gl_sum"), np.empty((rows, columns, channels.size))
    for i in range(rows):
        for j in range(columns):
            line = gl.evaluate(channels, 100.0 + 20.0 * j, 15.0 + 0.2 * i, 2.5, 0.3)[0]
            counts[i, j] = rng.poisson(20.0 + line)
    nav = (Axis(2.0 * np.arange(rows), "distance", "nm"), Axis(2.0 * np.arange(columns), "distance", "nm"))
    return Spectrum(Axis(channels, "energy_loss", "eV"), counts.astype(np.uint16), Noise("poisson", 1.0),
                    Meta(region="Low loss", technique="eels", sample="Spheres"), None, nav)


def series():
    """Six spectra over a distance."""
    return replace(image(1, 6), counts=image(1, 6).counts[0], navigation=(image(1, 6).navigation[1],))


def single():
    """One of its pixels."""
    return image(2, 2).at(0, 0)


@pytest.fixture
def window(qtbot):
    """The window with the image."""
    return opened(qtbot, [image()])


def opened(qtbot, spectra):
    """A window with these spectra."""
    window = MainWindow()
    qtbot.addWidget(window, before_close_func=lambda w: w.document.mark_saved(None))
    window.resize(1440, 900)
    window.document.reset(add_spectra(Project(), spectra))
    window.show()
    qtbot.waitExposed(window)
    qtbot.wait(1)
    return window


def at(window, row, column):
    """Middle of a pixel on the widget."""
    return window.navigator.view.to_screen(column + 0.5, row + 0.5)


def rois(window):
    """Shapes of the shown entry."""
    return window.document.entry.rois


def done(qtbot, window, seconds=120):
    """Wait for the work under way."""
    qtbot.waitUntil(lambda: window.tasks.idle, timeout=1000 * seconds)


# ------------------------------------------------------------------------------------------------------- showing


def test_it_is_there_for_images_and_hidden_for_single_spectra(qtbot):
    window = opened(qtbot, [image(), single()])
    assert window.navigator.isVisible()
    assert window.actions_["view.navigator"].isEnabled()
    window.document.select(window.document.project.entries[1].id)
    assert not window.navigator.isVisible()
    window.document.select(window.document.project.entries[0].id)
    assert window.navigator.isVisible()
    window.actions_["view.navigator"].trigger()
    assert not window.navigator.isVisible()
    window.actions_["view.navigator"].trigger()
    assert window.navigator.isVisible()


def test_total_intensity_window_and_maps(window):
    navigator, data = window.navigator, image().y
    assert np.array_equal(navigator.shown_map().values, data.sum(axis=-1))
    navigator.show_window(10.05, 20.05)
    part = (X > 10.05) & (X < 20.05)
    np.testing.assert_allclose(navigator.shown_map().values, data[..., part].sum(axis=-1), rtol=1e-9)
    assert navigator.window_row.isVisible()
    navigator.low.setText("12")
    navigator.low.editingFinished.emit()
    assert navigator.shown_map().name.startswith("12")
    one = Map("t", "t/λ", "", np.linspace(0, 1, 192).reshape(12, 16))
    document = window.document
    document.apply("Map", document.project.with_entry(document.entry.with_maps([one])))
    navigator.show_map("t")
    assert navigator.shown_map() is one
    assert navigator.source.currentText() == "t/λ"
    document.undo()
    navigator.show_now()
    assert navigator.source.currentText() == "Total intensity"


def test_a_window_beyond_the_axis_is_said_and_nothing_shown(window):
    window.navigator.show_window(-50.0, 20.0)
    assert "beyond the axis" in window.navigator.said
    assert window.navigator.image.map is None


# ------------------------------------------------------------------------------------------------------- cursor


def test_click_and_drag_move_the_cursor_and_the_plot_follows(window):
    view, document = window.navigator.view, window.document
    click(view, at(window, 3, 5))
    assert document.place == Place((3, 5))
    np.testing.assert_array_equal(window.view.spectrum().y, image().y[3, 5])
    assert "Pixel (5, 3)" in window.view._title.text()
    press(view, at(window, 3, 5))
    move(view, at(window, 8, 10))
    assert document.place == Place((8, 10))
    move(view, QPointF(-50, 5000))  # outside: the nearest pixel
    assert document.place == Place((11, 0))
    release(view, QPointF(-50, 5000))
    assert not document.undo_text  # looking is no edit
    assert "Pixel (0, 11)" in window.navigator.readout.text()


def test_keys_move_the_cursor(window):
    view, document = window.navigator.view, window.document
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_Right)
    assert document.place == Place((6, 8))  # the middle first
    QTest.keyClick(view, Qt.Key.Key_Right)
    QTest.keyClick(view, Qt.Key.Key_Down)
    assert document.place == Place((7, 9))
    QTest.keyClick(view, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    assert document.place == Place((0, 9))
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert document.place == ALL


def test_a_pixel_outside_the_image_is_none(window):
    window.document.set_place(Place((40, 3)))
    assert window.document.place == ALL
    assert "All 192 pixels" in window.view._title.text()
    window.document.set_place(Place((3,)))
    assert window.document.place == ALL


def test_the_visible_part_stays_while_the_cursor_moves(window):
    window.view.canvas.show_range(10.0, 20.0)
    before = window.view.canvas.x_range()
    click(window.navigator.view, at(window, 3, 5))
    click(window.navigator.view, at(window, 7, 5))
    assert window.view.canvas.x_range() == before


def test_zoom_keeps_the_pixel_under_the_pointer(window):
    view = window.navigator.image
    point = at(window, 3, 5)
    before = view.to_image(point)
    wheel(view, point, 480)
    assert view.to_image(point) == pytest.approx(before)
    assert view.pixel_at(point) == (3, 5)
    wheel(view, point, -4800)
    assert view.to_screen(0, 0).x() == pytest.approx(view.frame().left())


def wheel(view, point, delta):
    """Turn the wheel."""
    from PySide6.QtCore import QPoint
    from PySide6.QtGui import QWheelEvent
    from PySide6.QtWidgets import QApplication

    event = QWheelEvent(point, QPointF(view.mapToGlobal(point)), QPoint(), QPoint(0, delta), Qt.MouseButton.NoButton,
                        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False)
    QApplication.sendEvent(view, event)


# ------------------------------------------------------------------------------------------------------- shapes


def draw(window, kind, a, b):
    """Draw a box from the middle of a pixel to that of another."""
    window.navigator.tools[kind].click()
    drag(window.navigator.view, at(window, *a), at(window, *b))


def test_rectangle_drawn_moved_pulled_named_removed_and_undone(window):
    view, document = window.navigator.view, window.document
    draw(window, "rectangle", (2, 3), (5, 8))
    assert rois(window) == (Roi("roi", "Rectangle 1", "rectangle", ((3, 2), (9, 6))),)
    assert document.place == Place(roi="roi")
    np.testing.assert_allclose(window.view.spectrum().y, image().y[2:6, 3:9].sum(axis=(0, 1)))
    assert "Rectangle 1, 24 pixels" in window.view._title.text()
    edge = view.to_screen(6, 2)
    away = view.to_screen(9, 4)
    drag(view, view.to_screen(4.2, 2), view.to_screen(7.2, 4))  # by its outline
    assert rois(window)[0].points == ((6, 4), (12, 8))
    assert edge != away
    drag(view, view.to_screen(12, 8), view.to_screen(14, 11))  # by a corner
    assert rois(window)[0].points == ((6, 4), (14, 11))
    document.undo()
    assert rois(window)[0].points == ((6, 4), (12, 8))  # a drag is one step
    document.undo()
    assert rois(window)[0].points == ((3, 2), (9, 6))
    document.redo()
    window.navigator.show_now()
    places = window.navigator.places
    assert [row.name for row in places.rows()] == ["All pixels", "Rectangle 1"]
    places.topLevelItem(1).setText(0, "Shell")
    assert rois(window)[0].name == "Shell"
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_Right)
    assert rois(window)[0].points == ((7, 4), (13, 8))
    QTest.keyClick(view, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert rois(window)[0].points == ((7, 4), (12, 8))
    QTest.keyClick(view, Qt.Key.Key_Delete)
    assert rois(window) == ()
    assert document.place == ALL
    document.undo()
    assert rois(window)[0].name == "Shell"


def test_ellipse_and_polygon(window):
    draw(window, "ellipse", (1, 1), (8, 10))
    assert rois(window)[0].kind == "ellipse"
    view = window.navigator.view
    window.navigator.tools["polygon"].click()
    for corner in ((1, 12), (1, 15), (9, 15)):
        click(view, at(window, *corner))
    QTest.keyClick(view, Qt.Key.Key_Return)
    assert rois(window)[1].kind == "polygon"
    assert len(rois(window)[1].points) == 3
    assert view.tool == ""
    assert not window.navigator.tools["polygon"].isChecked()
    drag(view, view.to_screen(*rois(window)[1].points[0]), view.to_screen(10.5, 3.5))
    assert rois(window)[1].points[0] == pytest.approx((10.5, 3.5), abs=0.1)


def test_escape_puts_the_tool_away_and_draws_nothing(window):
    view = window.navigator.view
    window.navigator.tools["polygon"].click()
    click(view, at(window, 2, 2))
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert rois(window) == ()
    click(view, at(window, 2, 2))
    assert window.document.place == Place((2, 2))


def test_the_list_chooses_what_the_plot_shows(window):
    draw(window, "rectangle", (2, 3), (5, 8))
    click(window.navigator.view, at(window, 10, 12))
    places = window.navigator.places
    assert [row.pixels for row in places.rows()] == [192, 1, 24]
    places.setCurrentItem(places.topLevelItem(2))
    assert window.document.place == Place(roi="roi")
    places.setCurrentItem(places.topLevelItem(0))
    assert window.document.place == ALL


def test_compare_shows_the_places_for_one_pixel_each(window):
    draw(window, "rectangle", (0, 0), (11, 3))
    draw(window, "ellipse", (2, 9), (9, 15))
    window.navigator.compare.click()
    assert window.view.comparing
    traces = window.view.pile.traces
    assert [t.name for t in traces] == ["Rectangle 1", "Ellipse 1"]
    np.testing.assert_allclose(traces[0].y, image().y[:, :4].mean(axis=(0, 1)))
    click(window.navigator.view, at(window, 5, 6))
    assert len(window.view.pile.traces) == 3
    window.view.bar.close_button.click()
    assert not window.view.comparing
    assert not window.navigator.compare.isChecked()


def test_a_series_has_a_line_and_ranges(qtbot):
    window = opened(qtbot, [series()])
    navigator, document = window.navigator, window.document
    assert navigator.view is navigator.curve
    assert not navigator.tools["ellipse"].isVisible()
    click(navigator.view, at(window, 0, 2))
    assert document.place == Place((2,))
    assert "Spectrum 3, 4 nm" in window.view._title.text()
    QTest.keyClick(navigator.view, Qt.Key.Key_Right)
    assert document.place == Place((3,))
    draw(window, "rectangle", (0, 1), (0, 4))
    assert rois(window)[0].points == ((1, 0), (5, 1))
    np.testing.assert_allclose(window.view.spectrum().y, series().y[1:5].sum(axis=0))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_is_painted_in_both_themes_and_at_double_density(window, qapp, theme):
    themes.apply(qapp, theme)
    draw(window, "rectangle", (2, 3), (5, 8))
    click(window.navigator.view, at(window, 6, 12))
    picture = window.navigator.grab().toImage()
    colours = {picture.pixelColor(x, y).name() for x in range(0, picture.width(), 3)
               for y in range(0, picture.height(), 3)}
    assert len(colours) > 60  # colour map, shapes, words


# ---------------------------------------------------------------------------------------------------------- fits


def test_region_peak_fit_drag_and_undo_at_a_place(window, qtbot):
    document = window.document
    draw(window, "rectangle", (0, 8), (11, 15))
    window.actions_["fit.region_tool"].trigger()
    plot = window.view
    drag(plot.viewport(), plot.data_position(6.0, 0), plot.data_position(28.0, 0))
    assert document.fit.place == "roi:roi"
    assert document.fit.model.background.kind == "linear_active"
    window.actions_["fit.peak_tool"].trigger()
    top = float(plot.spectrum().y.max())
    click(plot.viewport(), plot.data_position(16.0, top))
    assert len(document.fit.model.components) == 1
    assert not window.actions_["fit.suggest"].isEnabled()
    plot.set_tool(None)
    window.actions_["fit.region"].trigger()
    done(qtbot, window)
    result = document.fit.result
    assert result.success
    assert result.value("p1.position") == pytest.approx(16.1, abs=0.1)
    assert result.data_hash == document.shown().hash
    assert window.intervals._current() is not None
    fitted = document.fit
    document.set_place(ALL)
    assert document.fit.result is None
    assert "scaled to this number" in plot._details.text()
    ratio = document.fit.model.params["p1.area"].value / fitted.model.params["p1.area"].value
    assert ratio == pytest.approx(2.0)
    handle = next(h for h in plot.scene.handles if h.role == "peak")
    start = plot.canvas.mapper().point(handle.x, handle.y)
    drag(plot.viewport(), start, start + QPointF(25, 0))
    assert document.fit.place == ""  # the edit belongs to what was shown
    assert document.fit.model.params["p1.position"].value > 16.5
    document.undo()
    document.set_place(Place(roi="roi"))
    assert document.fit.result is result


def test_fit_of_every_pixel_makes_maps_and_pixels_show_their_models(window, qtbot):
    document = window.document
    fit_all_pixels(window, qtbot)
    maps = document.entry.maps
    position = next(m for m in maps if m.param("parameter") == "p1.position")
    assert position.shape == (12, 16)
    assert abs(np.median(position.values[8]) - np.median(position.values[3]) - 1.0) < 0.3
    assert window.navigator.source.currentText().startswith("Peak")
    click(window.navigator.view, at(window, 9, 12))
    assert document.region.source == "pixel"
    assert "from the fit of every pixel" in window.view._details.text()
    assert document.fit.model.params["p1.position"].value == position.values[9, 12]
    assert abs(float(np.std(window.view.scene.curves.residual)) - 1) < 0.3
    assert "fit of every pixel" in window.status.fit_label.text()
    rows = window.actions_.rows("fit.remove_run")
    assert len(rows) == 1
    rows[0].trigger()
    assert document.entry.maps == ()
    document.undo()
    assert len(document.entry.maps) == len(maps)


def fit_all_pixels(window, qtbot):
    """A region with a peak, fitted to the sum and to every pixel."""
    fit_region(window, qtbot)
    window.actions_["fit.pixels"].trigger()
    done(qtbot, window)


def fit_region(window, qtbot):
    """A region with a peak, fitted to what is shown."""
    from app.project import work
    from fitting import guess

    document = window.document
    project, region = work.add_region(document.project, document.entry.id, 6.0, 28.0, place=document.place)
    document.apply("Region", project)
    document.select(document.entry.id, region)
    document.edit_model("Peak", guess.add_peak(document.shown(), document.fit.model, 16.0))
    window.actions_["fit.region"].trigger()
    done(qtbot, window)


def test_live_fit_follows_edits_at_a_place_but_not_the_cursor(window, qtbot):
    document = window.document
    draw(window, "rectangle", (0, 8), (11, 15))
    fit_region(window, qtbot)
    window.actions_["fit.live"].trigger()
    done(qtbot, window)
    fitted = document.fit
    click(window.navigator.view, at(window, 9, 12))
    draw(window, "ellipse", (0, 0), (5, 5))  # an edit of the project, but not of the model
    done(qtbot, window)
    document.set_place(Place(roi="roi"))
    assert document.fit.result is fitted.result
    document.edit_model("Width", document.fit.model.with_values({"p1.fwhm": 5.0}))
    done(qtbot, window)
    assert document.fit.place == "roi:roi"
    assert document.fit.result.value("p1.fwhm") == pytest.approx(fitted.result.value("p1.fwhm"), rel=1e-4)
    window.live.set_on(False)


def test_a_model_is_exported_with_the_amounts_of_one_pixel(window, qtbot, tmp_path):
    from fitting.model import from_json

    document = window.document
    fit_region(window, qtbot)
    area = document.fit.model.params["p1.area"].value
    window.actions_["fit.export_model"].trigger()
    window.images.dialog.fileSelected.emit(str(tmp_path / "m.json"))
    window.images.dialog.close()
    model = from_json((tmp_path / "m.json").read_text(encoding="utf-8"))
    assert model.params["p1.area"].value == pytest.approx(area / 192)
    assert model.params["p1.position"].value == document.fit.model.params["p1.position"].value


def test_maps_of_an_image_that_changed_meanwhile_are_left_out(window, qtbot):
    from fitting.recipe import Step

    document = window.document
    fit_all_pixels(window, qtbot)
    document.undo()
    window.actions_["fit.pixels"].trigger()
    entry = document.entry
    recipe = entry.recipe.with_step(Step("crop", (("low", 5.0), ("high", 30.0))))
    document.apply("Crop", document.project.with_entry(replace(entry, recipe=recipe)))
    done(qtbot, window)
    assert document.entry.maps == ()


def test_the_plot_follows_the_cursor_at_30_frames_a_second(qtbot, measured):
    """64 x 64 x 1024, with a fitted region shown; every step is drawn."""
    channels = 2.0 + 0.03 * np.arange(1024)
    rng = np.random.default_rng(0)
    nav = tuple(Axis(2.0 * np.arange(64), "distance", "nm") for _ in range(2))
    counts = rng.poisson(50.0 + 100 * np.exp(-(((channels - 16) / 3) ** 2)), (64, 64, 1024)).astype(np.uint16)
    big = Spectrum(Axis(channels, "energy_loss"), counts, Noise("poisson", 1.0), Meta(region="a", technique="eels"),
                   None, nav)
    window = opened(qtbot, [big])
    view = window.navigator.view
    press(view, at(window, 5, 5))
    times = []
    for i in range(40):
        begin = time.thread_time()  # of this thread alone: what others do on the machine does not count
        move(view, at(window, 6 + i, 6 + i))
        view.repaint()
        window.view.viewport().repaint()
        times.append(time.thread_time() - begin)
    release(view, at(window, 46, 46))
    frame = 1000 * float(np.median(times))
    measured("navigator_frame", frame, "ms", "<= 33")
    assert frame < 33


# ----------------------------------------------------------------------------------------------- small functions


def test_shapes_stay_in_the_image_and_never_vanish():
    roi = Roi("a", "a", "rectangle", ((2, 2), (5, 5)))
    assert roi_edit.moved(roi, 100, -100, (10, 12)).points == ((9, 0), (12, 3))
    assert roi_edit.pulled(roi, 0, (9, 9), (10, 12)).points == ((4, 4), (5, 5))
    assert roi_edit.pulled(roi, 5, (99, 0), (10, 12)).points == ((2, 2), (12, 5))
    assert roi_edit.grown(roi, -10, 2, (10, 12)).points == ((2, 2), (3, 7))
    assert roi_edit.between((5.2, 7.7), (1.1, 2.0), (10, 12)) == ((1, 2), (6, 8))


def test_colours_limits_and_labels():
    values = np.array([[0.0, 1.0], [2.0, np.nan]])
    assert limits(values, True) == (0.0, 2.0)
    picture = coloured(values, 0.0, 2.0, "viridis")
    assert picture.pixelColor(0, 0).name() == "#440154"  # first colour of viridis
    assert picture.pixelColor(0, 1).name() == "#fde725"  # last
    assert picture.pixelColor(1, 1).alpha() == 0
    assert limits(np.full((2, 2), np.nan)) == (0.0, 1.0)
    assert bar_length(37.0) == 20.0
    assert label(-3.0, -5.0, 5.0) == "−3.0"
    assert label(1234567.0, 0.0, 2e6) == "1\u202f234\u202f567"
    assert label(-2.5e-7, -3e-7, 3e-7) == "−2.50·10⁻⁷"
