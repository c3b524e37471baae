"""The cube in the window: navigator, volume by mouse and controls, images, sections, saved pictures."""

from __future__ import annotations

import threading
from dataclasses import replace
from itertools import combinations, product

import h5py
import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetrics, QImage, QPainter
from PySide6.QtTest import QTest

from app.files.arrays import file_array
from app.gui import theme as themes
from app.gui.plot.colours import small
from app.gui.sims import volume_frames
from app.gui.sims.volume_box import paint_box
from app.gui.sims.volume_canvas import EDGE, FOOT, TOP
from app.gui.sims.volume_legend import laid_out
from app.gui.window import MainWindow
from app.project.cube_sources import first_choice, ion_key, places, sources, voxels
from app.project.project import Project, add_spectra
from app.project.store import load, save
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.image.maps import Map
from fitting.image.place import ALL, Place
from fitting.sims.cube import image_of, volume_of
from fitting.sims.raycast_rays import Camera
from fitting.sims.setup import DepthScale
from tests.gui.plot_support import drag

SCANS, ROWS, COLUMNS = 10, 12, 16
IONS = ("total", "ClO-", "NaF2-", "C2-")


def cube(seed=0):
    """Three layers, the first thicker to the right."""
    z, _, x = np.mgrid[0:SCANS, 0:ROWS, 0:COLUMNS]
    edge = 2.5 + x / COLUMNS
    rates = np.stack([5.0 * (z < edge), 6.0 * ((z >= edge) & (z < 6)), 8.0 * (z >= 6)], axis=-1) + 0.05
    counts = np.random.default_rng(seed).poisson(rates)
    counts = np.concatenate([counts.sum(axis=-1, keepdims=True), counts], axis=-1).astype(np.uint8)
    across = [Axis((np.arange(n) + 0.5) * 2.0, "distance", "µm") for n in (ROWS, COLUMNS)]
    axis = Axis(np.arange(4.0), "ion", "", IONS, (0, 50.964, 60.987, 24.0))
    return Spectrum(axis, counts, Noise("poisson", 1.0), Meta(region="Cube", technique="sims", sample="Toy"),
                    navigation=(Axis(np.arange(1.0, SCANS + 1) * 8, "time", "s"), *across))


@pytest.fixture
def window(qtbot):
    """The window with the cube."""
    window = MainWindow()

    def end(w):
        view = w.centre.volume
        view.canvas.stop()
        qtbot.waitUntil(lambda: not view.frames.busy and not view._waiting.isActive() and w.tasks.idle, timeout=60_000)
        w.document.mark_saved(None)

    qtbot.addWidget(window, before_close_func=end)
    window.resize(1440, 900)
    window.document.reset(add_spectra(Project(), [cube()]))
    window.document.select(window.document.project.entries[0].id)
    window.show()
    qtbot.waitExposed(window)
    qtbot.waitUntil(lambda: window.navigator.image.map is not None, timeout=60_000)
    return window


@pytest.fixture
def volume(qtbot, window):
    """Its volume, drawn."""
    window.actions_["sims.show_volume"].trigger()
    view = window.centre.volume
    drawn(qtbot, view)
    return view


def drawn(qtbot, view):
    """Wait for the picture that was asked for last."""
    qtbot.waitUntil(lambda: view.canvas.drawn is not None and not view.frames.busy and view.frames._next is None
                    and not view.canvas._rest.isActive() and not view._waiting.isActive()
                    and view.canvas.drawn.wish.look == view.document.entry.volume, timeout=40_000)


# ---------------------------------------------------------------------------------------------------- navigator


def test_the_navigator_offers_ions_of_the_cube(qtbot, window):
    navigator, entry = window.navigator, window.document.entry
    assert navigator.isVisible()
    assert navigator.scans.isVisible()
    assert not navigator.window_row.isVisible()
    assert not navigator.compare.isVisible()
    words = [navigator.source.itemText(i) for i in range(navigator.source.count())]
    assert words == ["Total counts", "ClO⁻", "NaF₂⁻ or CHO₃⁻", "C₂⁻"]
    np.testing.assert_allclose(navigator.image.map.values, image_of(entry.spectrum, [0]))
    navigator.source.setCurrentIndex(2)
    navigator.source.activated.emit(2)
    qtbot.waitUntil(lambda: navigator.image.map is not None and navigator.image.map.name == "NaF2-", timeout=60_000)
    np.testing.assert_allclose(navigator.image.map.values, image_of(entry.spectrum, [2]))


def test_scans_are_chosen_by_the_handles(qtbot, window):
    navigator, handles = window.navigator, window.navigator.scans.handles
    y = handles.height() // 2
    drag(handles, QPointF(handles.place(SCANS - 1, end=True), y), QPointF(handles.place(3, end=True), y))
    assert window.document.place.scans == (0, 3)
    qtbot.waitUntil(lambda: np.array_equal(navigator.image.map.values,
                                           image_of(window.document.entry.spectrum, [0], (0, 3))), timeout=60_000)
    assert navigator.scans.words.text() == "Scans 1–4 of 10, 8–32 s"
    # The range moves as a whole, and the cursor keeps it.
    QTest.keyClick(handles, Qt.Key.Key_Right)
    assert window.document.place.scans == (1, 4)
    navigator.view.pixel_wanted.emit(5, 7)
    assert window.document.place == Place((5, 7), scans=(1, 4))
    QTest.keyClick(navigator.view, Qt.Key.Key_Escape)
    assert window.document.place == Place(scans=(1, 4))
    QTest.mouseDClick(handles, Qt.MouseButton.LeftButton, pos=QPoint(handles.width() // 2, y))
    assert window.document.place == ALL


def test_a_region_and_its_outside(window):
    navigator = window.navigator
    navigator.tools["rectangle"].click()
    view = navigator.view
    drag(view, view.to_screen(2.0, 2.0), view.to_screen(8.0, 6.0))
    place = window.document.place
    assert place.roi
    assert navigator.outside.isVisible()
    inside = place.mask((ROWS, COLUMNS), window.document.entry.rois).sum()
    navigator.outside.click()
    assert window.document.place == replace(place, outside=True)
    row = navigator.rows(window.document.entry)[-1]
    assert row.name.startswith("Outside Rectangle")
    assert row.pixels == ROWS * COLUMNS - inside
    navigator.outside.click()
    assert window.document.place == place


def test_there_is_no_navigator_for_a_profile(qtbot, window):
    one = cube()
    profile = one.with_(counts=one.counts.sum(axis=(1, 2), dtype=float), navigation=one.navigation[:1])
    window.document.apply("Add", add_spectra(window.document.project, [profile]))
    window.document.select(window.document.project.entries[1].id)
    assert not window.navigator.isVisible()


def test_an_image_of_ions_has_its_own_images(qtbot, window):
    one = cube()
    image = one.with_(counts=one.counts[0], navigation=one.navigation[1:])
    window.document.apply("Add", add_spectra(window.document.project, [image]))
    window.document.select(window.document.project.entries[1].id)
    navigator = window.navigator
    qtbot.waitUntil(lambda: navigator.image.map is not None and navigator.image.map.values.sum() ==
                    one.counts[0, ..., 0].sum(), timeout=60_000)
    assert not navigator.scans.isVisible()
    window.inspector.show_page("Volume")
    panel = window.volume_panel
    qtbot.waitUntil(lambda: not panel.controls.isVisible() and panel.slices.go.isEnabled())
    panel.slices.go.click()
    qtbot.waitUntil(lambda: len(window.document.entry.maps) == 3, timeout=60_000)
    np.testing.assert_array_equal(window.document.entry.maps[0].values, one.counts[0, ..., 1])


# ------------------------------------------------------------------------------------------------------- volume


def test_the_mouse_turns_shifts_and_zooms(qtbot, volume):
    canvas, home = volume.canvas, volume.canvas.camera
    before = canvas.drawn
    middle = QPointF(canvas.rect().center())
    drag(canvas, middle, middle + QPointF(60, 20))
    assert canvas.camera.azimuth == pytest.approx(home.azimuth - 27.0)
    assert canvas.camera.elevation == pytest.approx(home.elevation + 9.0)
    drawn(qtbot, volume)
    assert canvas.drawn is not before
    assert canvas.drawn.wish.camera == canvas.camera
    assert (canvas.drawn.frame.pixels != before.frame.pixels).any()
    QTest.keyClick(canvas, Qt.Key.Key_Plus)
    assert canvas.camera.zoom == pytest.approx(1.15 * home.zoom)
    QTest.mouseDClick(canvas, Qt.MouseButton.LeftButton, pos=canvas.rect().center())
    assert canvas.camera == home
    drawn(qtbot, volume)
    np.testing.assert_array_equal(canvas.drawn.frame.pixels, before.frame.pixels)


def test_modes_are_undo_steps_and_sections_follow_the_hand(qtbot, window, volume):
    buttons = {tool.text(): tool for tool in volume.modes.buttons()}
    buttons["Sections"].click()
    drawn(qtbot, volume)
    assert window.document.entry.volume.mode == "sections"
    canvas = volume.canvas
    planes = canvas.drawn.frame.planes
    rows, columns = np.nonzero(planes == 0)
    middle = len(rows) // 2
    scale = canvas.room().height() / planes.shape[0]
    start = QPointF((columns[middle] + 0.5) * scale, canvas.room().top() + (rows[middle] + 0.5) * scale)
    was = canvas.drawn.wish.cuts
    drag(canvas, start, start + QPointF(0, 40))
    drawn(qtbot, volume)
    now = window.document.entry.volume.cuts
    assert now[0] > was[0]
    assert now[1:] == was[1:]
    assert canvas.drawn.wish.cuts == now
    window.document.undo()
    assert window.document.entry.volume.cuts == ()  # the whole drag is one step
    window.document.undo()
    assert window.document.entry.volume.mode == "maximum"
    drawn(qtbot, volume)


def test_words_around_the_picture_do_not_stand_on_it_or_each_other(volume):
    canvas = volume.canvas
    room, size = canvas.room(), canvas.size()
    metrics = QFontMetrics(small(canvas.font()))
    legend = laid_out(canvas.labels.legend, metrics, size.width() - 2 * EDGE)
    assert len(legend) == len(canvas.labels.legend) > 1
    assert all(TOP + place.bottom() <= room.top() + 1 for place in legend)
    assert not any(a.intersects(b) for a, b in combinations(legend, 2))
    assert room.bottom() < size.height() - FOOT - metrics.height()  # the line below has its own room
    assert canvas.plane_at(QPointF(20, 2)) == -1
    image, wish = QImage(size, QImage.Format.Format_RGB32), canvas.drawn.wish
    painter = QPainter(image)
    painter.setFont(small(canvas.font()))
    seen = 0
    for azimuth, elevation, zoom in product(range(0, 360, 25), range(-90, 91, 30), (0.98, 1.6, 6.0)):
        turned = replace(wish, camera=Camera(float(azimuth), float(elevation), zoom))
        words = paint_box(painter, turned, canvas.labels.axes, room.width(), room.height())
        assert not any(a.intersects(b) for a, b in combinations(words, 2))
        assert all(QRectF(0, 0, room.width(), room.height()).contains(one) for one in words)
        seen = max(seen, len(words))
    painter.end()
    assert seen == 9  # two limits and a name an axis


def test_a_picture_that_takes_long_is_told(qtbot, window, monkeypatch):
    go, draw = threading.Event(), volume_frames.Preparation.draw
    compiled = []

    def slow(self, wish):
        go.wait(30)
        return draw(self, wish)

    monkeypatch.setattr(volume_frames.Preparation, "draw", slow)
    monkeypatch.setattr(volume_frames, "prepared", lambda: bool(compiled))
    window.actions_["sims.show_volume"].trigger()
    view = window.centre.volume
    try:
        qtbot.waitUntil(lambda: view.canvas.working.startswith("Preparing the drawing, once on a computer"),
                        timeout=20_000)
        compiled.append(True)
        qtbot.waitUntil(lambda: view.canvas.working.startswith("Drawing…"), timeout=20_000)
    finally:
        go.set()
    drawn(qtbot, view)
    assert view.canvas.working == ""
    view.canvas.stop()
    qtbot.waitUntil(lambda: not view.frames.busy and not view._waiting.isActive() and window.tasks.idle, timeout=60_000)


def test_controls_choose_what_is_drawn(qtbot, window, volume):
    window.inspector.show_page("Volume")
    controls = window.volume_panel.controls
    qtbot.waitUntil(lambda: controls.choosers[0].count() == 5)
    volume.change("Surface", mode="surface")
    for number, chooser in enumerate(controls.choosers):
        key = ion_key(2, "NaF2-") if number == 0 else ""
        chooser.setCurrentIndex(chooser.findData(key))
    controls.choosers[0].activated.emit(1)
    assert window.document.entry.volume.shown == (ion_key(2, "NaF2-"),)
    qtbot.waitUntil(lambda: controls.levels[0].isVisible() and not controls.levels[1].isVisible())
    controls.levels[0].slider.setValue(30)
    assert window.document.entry.volume.levels == (0.3,)
    controls.smooth.slider.setValue(10)
    controls.scans.handles.moved.emit(2, 5)
    drawn(qtbot, volume)
    look = volume.canvas.drawn.wish.look
    assert (look.smooth, look.scans, look.levels) == (1.0, (2, 5), (0.3,))
    assert "drawn with a blur of 1.0 voxels" in volume.canvas.labels.below
    assert "Scans 3–6 of 10" in volume.canvas.labels.below
    assert "surface at" in volume.canvas.labels.legend[0].words


def test_colours_follow_the_theme(qtbot, qapp, volume):
    light = volume.canvas.drawn
    themes.apply(qapp, "dark")
    qtbot.waitUntil(lambda: volume.canvas.drawn is not light and not volume.frames.busy, timeout=60_000)
    assert tuple(volume.canvas.drawn.frame.pixels[0, 0, :3]) == (0x1B, 0x1F, 0x27)
    assert tuple(light.frame.pixels[0, 0, :3]) == (255, 255, 255)


def test_a_picture_is_saved_with_twice_the_pixels(qtbot, window, volume, tmp_path):
    window.actions_["sims.save_volume"].trigger()
    dialog, size = volume.dialog, volume.canvas.size()
    assert dialog is not None
    dialog.fileSelected.emit(str(tmp_path / "volume.png"))
    dialog.reject()
    qtbot.waitUntil(lambda: window.tasks.idle and (tmp_path / "volume.png").exists(), timeout=60_000)
    image = QImage(str(tmp_path / "volume.png"))
    assert (image.width(), image.height()) == (2 * size.width(), 2 * size.height())
    colours = {image.pixel(x, y) for x in range(0, image.width(), 9) for y in range(0, image.height(), 9)}
    assert len(colours) > 50


def test_components_of_voxels_are_drawn_and_shown_as_images(qtbot, window, volume):
    entry = window.document.entry
    amounts = np.random.default_rng(0).random((SCANS, ROWS, COLUMNS))
    made = entry.with_maps([Map("f1", "Salt", "counts", amounts, group="MCR", kind="factor")])
    window.document.apply("Factors", window.document.project.with_entry(made))
    assert ("map:f1", "Salt") in [(s.key, s.name) for s in sources(made, made.spectrum, volumes=True)]
    window.document.apply("Show", window.document.project.with_entry(
        replace(made, volume=replace(made.volume, shown=("map:f1",)))))
    qtbot.waitUntil(lambda: [row.name for row in volume.canvas.labels.legend] == ["Salt"], timeout=60_000)
    window.navigator.show_map("f1")
    np.testing.assert_allclose(window.navigator.image.map.values, amounts.sum(axis=0))
    window.document.set_place(Place(scans=(2, 4)))
    qtbot.waitUntil(lambda: np.allclose(window.navigator.image.map.values, amounts[2:5].sum(axis=0)))
    window.results.show_page("Maps")
    qtbot.waitUntil(lambda: window.gallery.current() is not None)
    assert window.gallery.list.rows.rows[1].one.shape == (ROWS, COLUMNS)
    drawn(qtbot, volume)


# ------------------------------------------------------------------------------------------- images, sections


def test_images_of_slices_come_into_the_gallery(qtbot, window, volume):
    window.inspector.show_page("Volume")
    part = window.volume_panel.slices
    volume.change("Ions", shown=(ion_key(1, "ClO-"), ion_key(3, "C2-")))
    part.thickness.setValue(5)
    qtbot.waitUntil(lambda: "2 each" in part.words.text())
    part.go.click()
    qtbot.waitUntil(lambda: len(window.document.entry.maps) == 4, timeout=60_000)
    maps = window.document.entry.maps
    np.testing.assert_array_equal(maps[1].values, image_of(window.document.entry.spectrum, [1], (5, 9)))
    assert maps[0].param("scale high") == maps[1].param("scale high")
    assert window.results.page == "Maps"
    assert window.volume_panel.overlay.isVisible()
    window.document.undo()
    assert window.document.entry.maps == ()
    drawn(qtbot, volume)


def test_sections_follow_the_cursor_and_are_saved(qtbot, window, volume, tmp_path):
    window.inspector.show_page("Volume")
    part = window.volume_panel.sections
    volume.change("Ions", shown=(ion_key(3, "C2-"),))
    window.document.set_place(Place((4, 9)))
    voxels = volume_of(window.document.entry.spectrum, [3])
    qtbot.waitUntil(lambda: part.along_row.values is not None and np.array_equal(part.along_row.values, voxels[:, 4]),
                    timeout=60_000)
    np.testing.assert_array_equal(part.along_column.values, voxels[:, :, 9])
    part.width_.setValue(3)
    np.testing.assert_array_equal(part.along_row.values, voxels[:, 3:6].sum(axis=1))
    part.write(tmp_path / "sections.csv")
    qtbot.waitUntil(lambda: window.tasks.idle and (tmp_path / "sections.csv").exists(), timeout=60_000)
    lines = (tmp_path / "sections.csv").read_text("utf-8-sig").splitlines()
    assert len(lines) >= 1 + SCANS * (ROWS + COLUMNS)
    drawn(qtbot, volume)


def test_how_it_is_drawn_is_kept_in_the_project(volume, window, tmp_path):
    volume.change("Look", mode="surface", shown=(ion_key(1, "ClO-"),), levels=(0.25,), height=0.4, cuts=(1, 2, 3))
    save(window.document.project, tmp_path / "p.sodalite")
    kept = load(tmp_path / "p.sodalite").entries[0].volume
    assert kept == window.document.entry.volume


def test_keys_of_ions_survive_other_channels():
    axis = cube().axis
    assert places(axis, "total") == (0,)
    assert places(axis, ion_key(2, "NaF2-")) == (2,)
    assert places(axis.part([1, 2]), ion_key(2, "NaF2-")) == (1,)
    assert places(axis.part([1, 2]), "total") == (0, 1)


def test_depth_is_in_nm_where_a_scale_is_given(qtbot, window, volume):
    assert volume.canvas.labels.axes[0].quantity == "time"
    assert "height of the box 0.6 × its width" in volume.canvas.labels.below
    entry = window.document.entry
    scaled = replace(entry, depth=DepthScale("crater", crater=160.0))
    window.document.apply("Depth", window.document.project.with_entry(scaled))
    qtbot.waitUntil(lambda: volume.canvas.labels.axes[0].quantity == "depth", timeout=60_000)
    assert volume.canvas.labels.axes[0].values[-1] == pytest.approx(160.0)
    # A box 32 µm wide whose 160 nm are drawn 0.6 x 32 µm high.
    assert "depth drawn 120 × larger than the width" in volume.canvas.labels.below
    drawn(qtbot, volume)


def test_without_a_choice_ions_of_different_depths_are_shown(window):
    entry = window.document.entry
    assert first_choice(entry, entry.spectrum) == (ion_key(1, "ClO-"), ion_key(2, "NaF2-"), ion_key(3, "C2-"))


def test_a_cube_in_a_file_gives_the_same_voxels(tmp_path):
    """Of an HDF5 file in chunks, read piece by piece."""
    one = cube()
    path = tmp_path / "cube.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("counts", data=one.counts, chunks=(2, 6, 8, 4))
    kept = replace(one, counts=file_array(path, "counts"))
    (entry,) = add_spectra(Project(), [kept]).entries
    assert kept.stored
    for source in sources(entry, kept, volumes=True):
        expected = volume_of(one, places(one.axis, source.key))
        np.testing.assert_array_equal(voxels(entry, kept, source.key), expected)
    assert first_choice(entry, kept) == first_choice(entry, one)
