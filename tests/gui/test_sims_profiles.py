"""Depth profiles in the middle of the window, the Profiles page and the Ions page."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.gui.sims.profile_marks import Curve, Mark, Range
from app.gui.sims.profile_names import spread
from app.gui.window import INSPECTOR_WIDTH, MainWindow
from app.project import store
from app.project.project import Project, add_spectra
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.image.place import Place, Roi
from tests.gui.plot_support import drag

IONS = ("total", "C2H-", "NaF2-", "Cl-", "^37Cl-", "C2-", "PF6-")
MASSES = (0.0, 25.008, 60.987, 34.969, 36.966, 24.0, 144.964)


def toy_profile(name: str = "profile", points: int = 60, shift: float = 0.0, ions=IONS, sample: str = "A") -> Spectrum:
    rng = np.random.default_rng(1)
    time = np.linspace(4.0, 240.0, points)
    step = 1 / (1 + np.exp(-(time - 120.0 - shift) / 6))
    courses = np.stack([3e3 * (1 - step), 2e3 * step, 900 * step, 288 * step, 5e3 * step, 40 * step], axis=1)
    counts = rng.poisson(courses)
    counts = np.concatenate([counts.sum(axis=1, keepdims=True) + 50, counts], axis=1)
    return Spectrum(Axis(np.arange(7.0), "ion", "", ions, MASSES), counts, Noise("poisson", 1.0),
                    Meta(title=name, region=name, technique="sims", sample=sample),
                    navigation=(Axis(time, "time", "s"),),
                    scales=(Axis(time * 1e10, "dose", "ions"), Axis(time * 4e12, "fluence", "ions/cm²")))


def toy_cube() -> Spectrum:
    rng = np.random.default_rng(2)
    flat = toy_profile(points=12)
    weight = np.ones((6, 5))
    weight[:, 3:] = 3.0
    counts = rng.poisson(flat.y[:, None, None, :] / 50 * weight[None, :, :, None]).astype(np.uint16)
    lateral = tuple(Axis(np.arange(float(n)), "distance", "µm") for n in (6, 5))
    return Spectrum(flat.axis, counts, flat.noise, Meta(title="cube", region="cube", technique="sims", sample="A"),
                    navigation=(flat.navigation[0], *lateral))


@pytest.fixture
def window(qtbot):
    """A window with two profiles of one polarity, one of the other, and a cube."""
    window = MainWindow()
    qtbot.addWidget(window)
    plus = tuple(name.replace("-", "+") if name != "total" else name for name in IONS)
    window.document.reset(add_spectra(Project(), [
        toy_profile(), toy_profile("other", 80, 30.0, sample="B"), toy_profile("plus", ions=plus), toy_cube(),
    ]))
    window.resize(1440, 900)
    window.show()
    window.inspector.show_page("Profiles")
    qtbot.waitUntil(lambda: window.centre.profile.shown is not None)
    yield window
    window.document.mark_saved(window.document.path)
    window.close()


def words(window):
    return [drawn.words for drawn in window.centre.profile.shown.drawn]


def look(window):
    return window.document.entry.profile


def choose(box, data):
    index = box.findData(data)
    assert index >= 0
    box.setCurrentIndex(index)
    box.activated.emit(index)


def pixel(plot, key, at):
    line = next(line for line in plot.canvas.traces.lines if line.drawn.key == key)
    return plot.canvas.mapper().point(float(line.x[at]), float(line.y[at])).toPoint()


def test_traces_are_drawn_chosen_normalised_and_undone(qtbot, window):
    plot, page, document = window.centre.profile, window.profiles_panel, window.document
    assert window.centre.currentWidget() is plot
    assert "PF₆⁻ or Na₃F₄⁻" in words(window)
    assert plot.x_quantity == "time"
    page.rows.toggled.emit("total", 0, True)
    qtbot.waitUntil(lambda: "Total" in words(window))
    page.rows.toggled.emit("C2H-", 0, False)
    qtbot.waitUntil(lambda: "C₂H⁻" not in words(window))
    choose(page.normal, "total")
    qtbot.waitUntil(lambda: plot.shown.left == "Share of the total")
    total = next(drawn.trace for drawn in plot.shown.drawn if drawn.key == "total")
    assert np.all(total.y == 1.0)
    choose(page.axis, "fluence")
    qtbot.waitUntil(lambda: plot.x_quantity == "fluence")
    assert plot.x_unit == "ions/cm²"
    page.logarithmic.click()
    qtbot.waitUntil(lambda: not plot.canvas.count_axis.logarithmic)
    page.smooth.setValue(5)
    page.smooth.setValue(7)
    assert look(window).smooth == 7
    for _ in range(2):
        document.undo()
    assert (look(window).smooth, look(window).logarithmic) == (0, True)
    choose(page.normal, "ion")
    assert look(window).reference == "total"
    choose(page.reference, "C2-")
    qtbot.waitUntil(lambda: plot.shown.left == "Ratio to C₂⁻")
    choose(page.groups, "group:halide salts")
    qtbot.waitUntil(lambda: words(window) == ["NaF₂⁻ or CHO₃⁻", "Cl⁻", "³⁷Cl⁻"])
    page.rows.toggled.emit("NaF2-", 0, False)
    page.rows.toggled.emit("Cl-", 0, False)
    page.rows.toggled.emit("^37Cl-", 0, False)
    assert page.said == "At least one trace is drawn"


def test_written_traces_search_and_faults(qtbot, window):
    page = window.profiles_panel
    page.written.setText("NaF2- + PF6- / C2-")
    page.add.click()
    qtbot.waitUntil(lambda: any(drawn.trace.ratio for drawn in window.centre.profile.shown.drawn))
    before = look(window)
    page.written.setText("NaF2- + K-")
    page.add.click()
    assert "no ion 'K-'" in page.said
    assert look(window) == before
    page.search.setText("cl")
    assert [page.rows.key(i) for i in range(page.rows.rowCount())] == ["Cl-", "^37Cl-"]
    page.search.setText("")
    assert "Single ions add up to" in page.sum_words.text()


def test_profiles_beside_are_named_and_marked_by_polarity(qtbot, window):
    page, project = window.profiles_panel, window.document.project
    page.rows.toggled.emit("total", 0, True)
    other, plus = project.entries[1].id, project.entries[2].id
    page.beside.toggled.emit(other, 0, True)
    page.beside.toggled.emit(plus, 0, True)
    qtbot.waitUntil(lambda: "C₂⁻ · other" in words(window))
    beside = [drawn for drawn in window.centre.profile.shown.drawn if drawn.other]
    assert any(drawn.words == "Total · plus, positive ions" for drawn in beside)
    assert beside[0].trace.x.size == 80
    page.beside.toggled.emit(other, 0, False)
    qtbot.waitUntil(lambda: "C₂⁻ · other" not in words(window))


def test_hand_reads_highlights_hides_and_zooms(qtbot, window):
    plot = window.centre.profile
    viewport = plot.canvas.viewport()
    QTest.qWait(50)
    place = pixel(plot, "C2-", 50)
    with qtbot.waitSignal(plot.reading) as read:
        QTest.mouseMove(viewport, QPoint(3, 3))
        QTest.mouseMove(viewport, place)
    assert read.args is not None
    plot.point_at(QPointF(place))
    text = window.status.cursor_label.text()
    assert "Sputter time 204 s" in text
    assert "C₂⁻:" in text
    assert "±" in text
    with qtbot.waitSignal(plot.clicked) as clicked:
        QTest.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=place)
    assert clicked.args[2] == "C2-"
    assert plot.highlighted == "C2-"
    QTest.keyClick(plot, Qt.Key.Key_Escape)
    assert plot.highlighted == ""
    viewport.repaint()
    name = plot.names.boxes["Cl-"].center().toPoint()
    QTest.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=name)
    assert plot.highlighted == "Cl-"
    QTest.mouseClick(viewport, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier, name)
    assert plot.hidden == {"Cl-"}
    assert window.document.undo_text == ""  # a look of the eye, no edit
    low, high = plot.canvas.x_range()
    plot.canvas.zoom(4.0, QPointF(place))
    near = plot.canvas.x_range()
    assert near[1] - near[0] < 0.3 * (high - low)
    drag(viewport, QPointF(place), QPointF(place + QPoint(40, 0)))
    assert plot.canvas.x_range()[0] < near[0]
    QTest.mouseDClick(viewport, Qt.MouseButton.LeftButton, pos=QPoint(place.x(), 40))
    assert plot.canvas.x_range() == pytest.approx((low, high))


def test_ranges_follow_the_hand(qtbot, window):
    plot = window.centre.profile
    plot.ranges.put("test", [Range("test/1", "Step", 60.0, 120.0, 2)])
    plot.marks.put("test", [Mark(90.0, 5.0, "90 ± 5 s", 2)])
    plot.curves.put("test", [Curve(np.array([60.0, 90.0, 120.0]), np.array([10.0, 100.0, 1000.0]), "erf")])
    QTest.qWait(50)
    viewport, mapper = plot.canvas.viewport(), plot.canvas.mapper()
    viewport.repaint()
    middle = round(mapper.box.center().y())
    start = QPoint(round(float(mapper.px(120.0))), middle)
    moved, released = [], []
    plot.ranges.moved.connect(lambda *args: moved.append(args))
    plot.ranges.released.connect(lambda *args: released.append(args))
    drag(viewport, QPointF(start), QPointF(start + QPoint(50, 0)))
    wanted = mapper.data(QPointF(start + QPoint(50, 0)))[0]
    assert moved
    assert released[-1][0] == "test/1"
    assert released[-1][1:] == pytest.approx((60.0, wanted), abs=0.6)
    plot.ranges.take("test")
    assert plot.ranges.find("test/1") is None


def test_cube_regions_complement_and_own_entry(qtbot, window):
    document, plot, page = window.document, window.centre.profile, window.profiles_panel
    cube = document.project.entries[3]
    roi = Roi("r1", "Right", "rectangle", ((3.0, 0.0), (5.0, 6.0)))
    document.apply("Draw", document.project.with_entry(replace(cube, rois=(roi,))))
    document.select(cube.id)
    qtbot.waitUntil(lambda: plot.shown is not None and plot.profile.counts.shape == (12, 7))
    whole = plot.profile.y
    document.set_place(Place(roi="r1"))
    qtbot.waitUntil(lambda: plot.profile is not None and plot.profile.name == "cube, Right")
    inside = plot.profile.y
    counts = np.asarray(cube.spectrum.counts, dtype=float)
    assert np.array_equal(inside, counts[:, :, 3:].sum(axis=(1, 2)))
    qtbot.waitUntil(page.complement.isEnabled)
    page.complement.click()
    qtbot.waitUntil(lambda: plot.profile is not None and plot.profile.name == "cube, all but Right")
    assert np.array_equal(plot.profile.y + inside, whole)
    document.set_place(Place((2, 1)))  # a clicked pixel is that pixel, not all the others
    qtbot.waitUntil(lambda: plot.profile is not None and plot.profile.name == "cube, Pixel (1, 2)")
    assert np.array_equal(plot.profile.y, counts[:, 2, 1])
    qtbot.waitUntil(lambda: not page.complement.isEnabled())
    document.set_place(Place(roi="r1", outside=True))  # the same as the button beside the image
    qtbot.waitUntil(lambda: plot.profile is not None and plot.profile.name == "cube, all but Right")
    qtbot.waitUntil(lambda: page.complement.isEnabled() and page.complement.isChecked())
    assert np.array_equal(plot.profile.y + inside, whole)
    page.complement.click()
    assert document.place == Place(roi="r1")
    qtbot.waitUntil(lambda: plot.profile is not None and plot.profile.name == "cube, Right")
    page.keep.click()
    added = document.project.entries[-1]
    assert added.title == "cube, Right"
    assert np.array_equal(added.spectrum.y, inside)
    document.undo()
    assert len(document.project.entries) == 4
    # A region without a pixel is told in words.
    empty = replace(roi, points=((90.0, 90.0), (95.0, 95.0)))
    document.apply("Move", document.project.with_entry(replace(document.entry, rois=(empty,))))
    qtbot.waitUntil(lambda: "holds no pixel" in plot.source.failed, timeout=5000)
    qtbot.waitUntil(lambda: plot.shown is None, timeout=5000)


def test_ions_page(qtbot, window, tmp_path):
    page, document = window.ions_panel, window.document
    window.inspector.show_page("Ions")
    qtbot.waitUntil(lambda: page.ions.rowCount() == 7)
    texts = {page.ions.key(i): [page.ions.cell(page.ions.index(i, c)).text for c in range(6)] for i in range(7)}
    assert texts["PF6-"][0] == "PF₆⁻ or Na₃F₄⁻"
    # 144.964 of the file less 144.96473 of the formula.
    assert texts["PF6-"][3] == "−0.7"
    assert "Na₃F₄⁻" in texts["PF6-"][5]
    assert texts["total"][5] == "total"
    window.resizeDocks([window.inspector], [INSPECTOR_WIDTH], Qt.Orientation.Horizontal)
    qtbot.waitUntil(lambda: page.view.columnWidth(5) >= 90)
    assert page.view.horizontalScrollBar().maximum() == 0  # all that is essential is seen
    assert page.view.isColumnHidden(2)
    assert "Exact m/z 144.96" in page.ions.cell(page.ions.index(page.ions.row_of("PF6-"), 1)).tooltip
    assert page.isotopes.rowCount() == 1
    assert page.isotopes.cell(page.isotopes.index(0, 4)).text == "agrees"
    page.isotope_view.setCurrentIndex(page.isotopes.index(0, 0))
    page.use_minor.click()
    qtbot.waitUntil(lambda: "Cl⁻ from ³⁷Cl⁻" in words(window))
    page.resolution.setText("20000")
    page.resolution.editingFinished.emit()
    assert document.entry.masses.resolution == 20000
    qtbot.waitUntil(lambda: "NaF₂⁻" in words(window))  # CHO3- needs 10 200
    page.pulses.setText("many")
    page.pulses.editingFinished.emit()
    assert "must be a number" in page.said
    page.pulses.setText("9000")
    page.pulses.editingFinished.emit()
    qtbot.waitUntil(page.correct.isEnabled)
    page.correct.click()
    assert document.entry.recipe.steps[-1].kind == "ion_dead_time"
    qtbot.waitUntil(lambda: "by a step of the recipe" in page.state.text())
    assert document.entry.processed().y[-1, 5] > document.entry.spectrum.y[-1, 5]
    page.ions.edited.emit("C2-", 0, "C_2-")
    assert document.entry.processed().axis.labels[5] == "C_2-"
    peaks = tmp_path / "peaks.csv"
    peaks.write_text("Name,m/z,Low,High\nNa3F4-,144.9635,144.9,145.03\nX-,12.0,11.9,12.1\n", encoding="utf-8")
    page.take_peaks(peaks)
    assert page.said == ""
    assert document.entry.processed().axis.labels[6] == "Na3F4-"
    assert document.entry.spectrum.axis.labels == IONS
    store.save(document.project, tmp_path / "a.sodalite")
    assert store.load(tmp_path / "a.sodalite").equals(document.project)


def test_ions_of_an_image(qtbot, window):
    cube = toy_cube()
    image = cube.with_(counts=np.asarray(cube.counts).sum(axis=0), navigation=cube.navigation[1:],
                       meta=replace(cube.meta, region="image"))
    window.document.reset(add_spectra(Project(), [image]))
    window.inspector.show_page("Ions")
    page = window.ions_panel
    qtbot.waitUntil(lambda: page.ions.rowCount() == 7)
    assert page.ions.cell(page.ions.index(0, 4)).text != ""
    assert page.isotopes.rowCount() == 1
    assert not page.use_minor.isEnabled()


def test_many_traces_are_drawn_and_their_names_scroll(qtbot, window):
    rng = np.random.default_rng(0)
    names = tuple(f"C_{n}-" for n in range(1, 101))
    many = Spectrum(Axis(np.arange(100.0), "ion", "", names), rng.poisson(50.0, (1000, 100)), Noise("poisson", 1.0),
                    Meta(title="many", region="many", technique="sims"),
                    navigation=(Axis(np.arange(1.0, 1001), "time", "s"),))
    window.document.reset(add_spectra(Project(), [many]))
    plot, page = window.centre.profile, window.profiles_panel
    qtbot.waitUntil(lambda: plot.shown is not None and len(plot.shown.drawn) == 8)
    choose(page.groups, "all")
    qtbot.waitUntil(lambda: len(plot.shown.drawn) == 100)
    plot.canvas.viewport().repaint()
    first = set(plot.names.boxes)
    assert 5 < len(first) < 60
    assert plot.names.scroll(-3)
    plot.canvas.viewport().repaint()
    assert set(plot.names.boxes) != first


def test_names_stand_apart():
    tops = spread([100.0, 101.0, 102.0, 300.0], 15.0, 0.0, 400.0)
    assert all(b - a >= 15.0 - 1e-9 for a, b in pairwise(tops))
    assert tops[3] == 300.0
    assert np.mean(tops[:3]) == pytest.approx(101.0)
    low = spread([395.0, 396.0, 399.0], 15.0, 0.0, 400.0)
    assert low[-1] + 15 <= 400.0 + 1e-9


def test_dark_colours(qtbot, window):
    from app.gui import theme
    plot = window.centre.profile
    theme.apply(QApplication.instance(), "dark")
    assert plot.canvas.traces.colours == theme.DARK.series
    theme.apply(QApplication.instance(), "light")
    assert plot.canvas.traces.colours == theme.LIGHT.series
