"""The Maps page and the gallery: windows, presets, bands, computing, previews, undo, names, numbers, profiles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest

from app.gui.image.gallery import aspect_of
from app.project.maps import Request, compute, out_of_date
from app.project.project import add_spectra
from fitting.image.classes import classes
from fitting.image.maps import Map
from fitting.image.place import Place
from fitting.image.windows import Window
from fitting.processing.step import Step
from tests.gui.image_support import COLUMNS, ROWS, image_project
from tests.gui.plot_support import drag


@pytest.fixture
def shown(window, qtbot):
    """The window with the image and its Maps pages in front."""
    window.files.show_project(image_project(), None)
    window.inspector.show_page("Maps")
    window.results.show_page("Maps")
    qtbot.waitUntil(lambda: window.tasks.idle)
    return window


def entry(window):
    return window.document.entry


def add_presets(window):
    menu = window.maps_panel.windows.presets.menu()
    menu.aboutToShow.emit()
    next(action for action in menu.actions() if action.text() == "All of these").trigger()


def computed(window, qtbot):
    """Press Compute and wait for the maps."""
    with qtbot.waitSignal(window.maps_panel.computed, timeout=10_000) as signal:
        QTest.mouseClick(window.maps_panel.go, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.tasks.idle)
    return signal.args[0]


def test_presets_become_windows_bands_and_maps(shown, qtbot):
    panel = shown.maps_panel
    assert not panel.go.isEnabled()
    add_presets(shown)
    titles = [w.title for w in entry(shown).windows]
    assert titles == ["ZLP, 12 eV slit, cut", "4–6 eV", "28–32 eV", "30–34 eV"]
    assert [band.label for band in shown.view.bands.shown] == titles
    panel.windows.table.rows.toggled.emit(entry(shown).windows[3].id, 0, False)
    ids = computed(shown, qtbot)
    assert [entry(shown).map(id).name for id in ids] == titles[:3]
    direct = entry(shown).spectrum.y
    x = entry(shown).spectrum.x
    inside = (x > 28.05) & (x < 31.95)  # channels of 0.2 eV: 28 and 32 are middles, counted by half
    ends = np.isclose(x, 28.0) | np.isclose(x, 32.0)
    wanted = direct[..., inside].sum(axis=-1) + 0.5 * direct[..., ends].sum(axis=-1)
    assert entry(shown).map(ids[2]).values == pytest.approx(wanted)
    assert shown.navigator.shown_map().name == titles[0]
    assert shown.gallery.list.chosen() == ids[:1]
    shown.document.undo()
    assert entry(shown).maps == ()
    shown.inspector.show_page("Process")
    assert shown.view.bands.shown == ()


def test_typed_limits_and_names(shown):
    panel = shown.maps_panel
    panel.windows.add_window()
    id = entry(shown).windows[0].id
    rows = panel.windows.table.rows
    rows.setData(rows.index(0, 1), "12,5")
    rows.setData(rows.index(0, 2), "17.5")
    rows.setData(rows.index(0, 0), "Plasmon")
    assert entry(shown).windows == (Window(id, "Plasmon", 12.5, 17.5),)
    assert [(band.label, band.low, band.high) for band in shown.view.bands.shown] == [("Plasmon", 12.5, 17.5)]
    rows.setData(rows.index(0, 1), "40")
    assert "must end above" in panel.said
    assert entry(shown).windows[0].low == 12.5
    panel.windows.table.selectRow(0)
    panel.windows.remove_windows()
    assert entry(shown).windows == ()


def test_a_dragged_band_is_one_undo_step_with_a_preview(shown, qtbot):
    shown.document.apply("x", shown.document.project.with_entry(_with(entry(shown), Window("w", "", 30.0, 34.0))))
    view = shown.view
    low, high = view.canvas.mapper().y
    y = low + 0.6 * (high - low)
    steps = len(shown.document._undo)
    drag(view.viewport(), view.data_position(32.0, y), view.data_position(15.0, y))
    window = entry(shown).windows[0]
    assert (window.low, window.high) == pytest.approx((13.0, 17.0), abs=0.3)
    assert len(shown.document._undo) == steps + 1
    preview = shown.navigator.shown_map()
    assert preview.name == "Preview: window"
    wanted = compute(shown.document.project, "image", Request("sum", (window,)))[0].entries[0].maps[0]
    assert preview.values == pytest.approx(wanted.values, rel=1e-9)
    shown.document.undo()
    assert entry(shown).windows[0].low == 30.0


def _with(one, *windows):
    from dataclasses import replace

    return replace(one, windows=windows)


def test_three_windows_ask_for_three_and_say_what_is_wrong(shown, qtbot):
    panel = shown.maps_panel
    panel.what.setCurrentIndex(panel.what.findData("three"))
    shown.document.apply("x", shown.document.project.with_entry(_with(
        entry(shown), Window("a", "", 30.0, 34.0), Window("b", "", 20.0, 24.0))))
    panel.what.activated.emit(panel.what.currentIndex())
    panel.compute()
    assert "needs 3 different windows" in panel.said
    shown.document.apply("x", shown.document.project.with_entry(_with(
        entry(shown), Window("a", "", 30.0, 34.0), Window("b", "", 20.0, 24.0), Window("c", "", 24.5, 28.0))))
    ids = computed(shown, qtbot)
    names = [entry(shown).map(id).name for id in ids]
    assert names == ["30–34 eV, edge", "30–34 eV, background", "30–34 eV, exponent", "30–34 eV, signal to noise"]


def test_a_window_beyond_the_axis_is_refused(shown, qtbot):
    shown.document.apply("x", shown.document.project.with_entry(_with(entry(shown), Window("a", "", 30.0, 90.0))))
    shown.maps_panel.compute()
    qtbot.waitUntil(lambda: "beyond the axis" in shown.maps_panel.said, timeout=10_000)
    assert entry(shown).maps == ()


def test_gallery_shows_names_renames_removes_and_copies(shown, qtbot):
    add_presets(shown)
    computed(shown, qtbot)
    gallery = shown.gallery
    rows = gallery.list.rows.rows
    assert [row.name for row in rows] == ["Sum in each window", *(m.name for m in entry(shown).maps)]
    id = entry(shown).maps[2].id
    gallery.list.choose([id], id)
    gallery._wanted(id)
    assert shown.navigator.shown_map().id == id
    gallery.name.setText("Na L2,3")
    gallery.name.editingFinished.emit()
    assert entry(shown).map(id).name == "Na L2,3"
    gallery.copy()
    lines = QGuiApplication.clipboard().text().splitlines()
    assert lines[0].split("\t") == ["Row", "Column", "Na L2,3 [counts]", "Na L2,3 error [counts]"]
    assert len(lines) == 1 + ROWS * COLUMNS
    QTest.keyClick(gallery.list, Qt.Key.Key_Delete)
    assert id not in {m.id for m in entry(shown).maps}
    shown.document.undo()
    assert entry(shown).map(id).name == "Na L2,3"


def test_errors_and_flags_in_pictures_and_navigator(shown, qtbot):
    add_presets(shown)
    computed(shown, qtbot)
    gallery = shown.gallery
    gallery.shown.setCurrentIndex(gallery.shown.findData("error"))
    gallery.shown.activated.emit(1)
    one = gallery.current()
    assert shown.navigator.shown_map().values == pytest.approx(one.error)
    assert shown.navigator.shown_map().name.endswith("error")


def test_classes_show_words_colours_and_counts(shown, qtbot):
    values = np.ones((ROWS, COLUMNS))
    values[:, :5], values[0, 0] = 2.0, np.nan
    legend = ((0, "not determined"), (1, "vacuum"), (2, "carbon"), (3, "Na metal"))
    one = Map("c", "Region", "", values, legend=legend, group="g", kind="classes")
    other = Map("n", "Number", "", values, flags=(values == 2).astype(np.uint8), legend=((1, "bad"),), group="g")
    shown.document.apply("Maps", shown.document.project.with_entry(entry(shown).with_maps((one, other))))
    gallery = shown.gallery
    # Pages follow the document with a short pause.
    qtbot.waitUntil(lambda: any(row.one is not None and row.one.id == "c" for row in gallery.list.rows.rows))
    gallery.choose(("c",))
    gallery.map_wanted.emit("c")
    shown.navigator.show_map("c")
    model = gallery.numbers.class_rows
    rows = [[model.index(r, c).data() for c in range(4)] for r in range(model.rowCount())]
    assert rows == [["All pixels", "vacuum", "180", "75.3 %"], ["All pixels", "carbon", "59", "24.7 %"]]
    assert gallery.numbers.table.isHidden()
    assert not gallery.tabs.isTabEnabled(1)
    thumbnail = next(row for row in gallery.list.rows.rows if row.one is not None and row.one.id == "c")
    assert thumbnail.words.startswith("Region: vacuum 75.3 %, carbon 24.7 %")
    image = shown.navigator.image
    picture = image.grab().toImage()
    colours = {c.code: c.colour for c in classes(one)}
    scale = picture.devicePixelRatio()
    for row, column in ((3, 2), (3, 15)):
        point = image.to_screen(column + 0.3, row + 0.3) * scale
        seen = picture.pixelColor(round(point.x()), round(point.y())).name()
        assert seen == colours[int(values[row, column])]
    shown.document.set_place(Place((3, 2)))
    assert "carbon" in shown.navigator.readout.text()
    # Numbers come back for a map of numbers; flags of it are classes.
    gallery.choose(("n",))
    assert not gallery.numbers.table.isHidden()
    assert gallery.tabs.isTabEnabled(1)
    flags = aspect_of(other, "flags")
    assert [(c.words, c.pixels) for c in classes(flags)] == [("good", 181), ("bad", 59)]


def test_old_maps_are_marked_and_computed_again(shown, qtbot):
    add_presets(shown)
    computed(shown, qtbot)
    changed = entry(shown)
    from dataclasses import replace

    recipe = changed.recipe.with_step(Step("crop", (("low", -5.0), ("high", 50.0))))
    shown.document.apply("Crop", shown.document.project.with_entry(replace(changed, recipe=recipe)))
    shown.gallery.show_now()
    assert len(out_of_date(entry(shown))) == 4
    assert "other data" in shown.gallery.said
    assert [row.old for row in shown.gallery.list.rows.rows] == [False, True, True, True, True]
    QTest.mouseClick(shown.gallery.again, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: shown.tasks.idle)
    assert out_of_date(entry(shown)) == frozenset()
    shown.gallery.show_now()
    assert shown.gallery.said == ""


def test_a_line_is_drawn_moved_typed_and_fitted(shown, qtbot):
    shown.document.apply("x", shown.document.project.with_entry(_with(entry(shown), Window("a", "", 13.0, 17.0))))
    computed(shown, qtbot)
    part, image = shown.maps_panel.profile, shown.navigator.image
    QTest.mouseClick(part.draw, Qt.MouseButton.LeftButton)
    drag(image, image.to_screen(1.0, 6.0), image.to_screen(12.0, 6.0))
    line = entry(shown).lines[0]
    assert line.start == pytest.approx((1.0, 6.0), abs=0.15)
    assert line.end == pytest.approx((12.0, 6.0), abs=0.15)
    assert not part.draw.isChecked()
    steps = len(shown.document._undo)
    drag(image, image.to_screen(*line.end), image.to_screen(19.0, 6.0))
    assert entry(shown).lines[0].end == pytest.approx((19.0, 6.0), abs=0.3)
    assert len(shown.document._undo) == steps + 1
    for field, text in zip(part.fields, ("0", "6", "20", "6", "10"), strict=True):
        field.setText(text)
        field.editingFinished.emit()
    line = entry(shown).lines[0]
    assert (line.start, line.end, line.width) == ((0.0, 6.0), (20.0, 6.0), 10.0)
    found = part.found[0]
    assert found.profile.position == pytest.approx(5.0 * (np.arange(COLUMNS) + 0.5))
    assert found.front.position == pytest.approx(50.0, abs=2.5)
    assert found.front.after / found.front.before == pytest.approx(2.0, abs=0.5)
    part.remove_line()
    assert entry(shown).lines == ()


def test_overlay_of_two_maps(shown, qtbot):
    add_presets(shown)
    computed(shown, qtbot)
    part = shown.maps_panel.overlay
    assert part.found is not None
    assert part.found.pixels.shape == (ROWS, COLUMNS, 3)
    part.choosers[2].setCurrentIndex(3)
    part.choosers[2].activated.emit(3)
    assert len(part.found.names) == 3
    assert part.found.names[2] == entry(shown).maps[2].label


def test_exports_write_files(shown, qtbot, tmp_path):
    from app.gui.image.map_exports import _figure, _tiffs

    add_presets(shown)
    computed(shown, qtbot)
    maps, navigation = entry(shown).maps, entry(shown).spectrum.navigation
    exports = shown.maps_panel.exports
    exports.write(tmp_path / "m.png", lambda path: _figure(path, maps, navigation, []))
    exports.write(tmp_path / "t", lambda path: _tiffs(path, maps, navigation))
    qtbot.waitUntil(lambda: shown.tasks.idle, timeout=20_000)
    assert (tmp_path / "m.png").stat().st_size > 5000
    assert len(list((tmp_path / "t").iterdir())) == 4
    shown.gallery.export_wanted.emit("csv", tuple(one.id for one in maps))
    assert exports.dialog is not None
    exports.dialog.fileSelected.emit(str(tmp_path / "m.csv"))
    qtbot.waitUntil(lambda: shown.tasks.idle, timeout=20_000)
    exports.dialog.close()
    assert (tmp_path / "m.csv").read_text("utf-8").startswith("Row,Column,y [nm],x [nm],")


@pytest.mark.parametrize("size", [(1, 1), (5, 1), None])
def test_axes_without_a_step_and_single_spectra_with_the_page_in_front(shown, qtbot, size):
    """An exception while a page is shown would end the program: one pixel has no aspect, a single spectrum no axes."""
    image = entry(shown).spectrum
    if size is None:
        other = image.with_(counts=image.y[0, 0], navigation=())
    else:
        axes = tuple(replace(axis, values=axis.values[:n]) for axis, n in zip(image.navigation, size, strict=True))
        other = image.with_(counts=image.y[: size[0], : size[1]], navigation=axes)
    project = add_spectra(shown.document.project, [other], "another")
    shown.document.apply("Add", project)
    shown.document.select(project.entries[-1].id)
    qtbot.waitUntil(lambda: shown.tasks.idle)
    assert (shown.inspector.page == "Maps") is (size is not None)
    shown.inspector.show_page("Zero loss")
    if size is not None:
        shown.inspector.show_page("Maps")
        assert shown.maps_panel.isVisible()


def test_what_is_said_of_one_spectrum_is_not_said_of_the_next(shown):
    project = add_spectra(shown.document.project, [entry(shown).spectrum], "another")
    shown.document.apply("Add", project)
    shown.maps_panel.say("Something about the first")
    shown.document.select(project.entries[-1].id)
    assert shown.maps_panel.said == ""
