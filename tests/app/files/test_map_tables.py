"""Tables, figures and overlays of maps."""

from __future__ import annotations

import csv
from types import SimpleNamespace

import numpy as np
import pytest

from app.files.figures import save_figure
from app.files.map_figures import map_figure, overlay_figure, profile_figure
from app.files.map_tables import table, write_maps_csv, write_profiles_csv, write_tiffs
from app.files.map_writer import write_maps
from app.files.report_losses import _map_row
from fitting.dataset import Axis
from fitting.image.maps import Map
from fitting.image.overlay import PALETTES, overlay
from fitting.image.profiles import Line, Scale, front, profile
from libraries.errors import BadData

NAVIGATION = tuple(Axis(2.0 * np.arange(n), "distance", "nm") for n in (4, 6))


def one_map(name="M", unit="eV", **changes):
    values = np.arange(24.0).reshape(4, 6)
    values[1, 2] = np.nan
    return Map("m", name, unit, values, **changes)


def test_a_table_has_a_row_for_each_pixel_and_empty_cells(tmp_path):
    flags = np.zeros((4, 6), np.uint8)
    flags[1, 2] = 1
    path = write_maps_csv(tmp_path / "m.csv", [one_map(error=np.full((4, 6), 0.5), flags=flags), one_map()], NAVIGATION)
    with path.open(encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["Row", "Column", "y [nm]", "x [nm]", "M [eV]", "M error [eV]", "M flag", "M 2 [eV]"]
    assert rows[1 + 8] == ["1", "2", "2", "4", "", "0.5", "1", ""]
    assert len(rows) == 25


def test_maps_of_different_sizes_do_not_share_a_table():
    with pytest.raises(BadData, match="different sizes"):
        table([one_map(), Map("n", "N", "", np.ones(3))])
    with pytest.raises(BadData, match="no map"):
        table([])


def test_names_of_tiffs_do_not_collide(tmp_path):
    written = write_tiffs(tmp_path / "t", [one_map("a/b"), one_map("a:b"), one_map("A_B")])
    assert len({path.name.casefold() for path in written}) == 3
    assert all(path.exists() for path in written)


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_figures(tmp_path, suffix, theme):
    maps = [one_map(f"Map {i}") for i in range(5)]
    path = save_figure(map_figure(maps, NAVIGATION, theme, lines=(Line("l", "L", (0, 1), (5, 3)),)),
                       tmp_path / f"a.{suffix}", dpi=100)
    assert path.stat().st_size > 3000


def test_pictures_keep_the_shape_of_the_pixels():
    """Rows of 4 nm, columns of 2 nm: a pixel is twice as high as it is wide."""
    navigation = (Axis(4.0 * np.arange(4), "distance", "nm"), NAVIGATION[1])
    figure = map_figure([one_map()], navigation)
    box = figure.axes[0].get_position()
    wide, high = (box.width * figure.get_figwidth(), box.height * figure.get_figheight())
    assert high / wide == pytest.approx(4 * 4.0 / (6 * 2.0))


def test_a_series_has_no_picture():
    with pytest.raises(BadData, match="no map of an image"):
        map_figure([Map("m", "M", "", np.ones(5))])


def test_profiles_as_table_and_figure(tmp_path):
    values = np.where(np.arange(30) < 12, 1.0, 5.0) + 0.1 * np.random.default_rng(1).standard_normal((8, 30))
    found = profile(Map("m", "M", "eV", values, np.full((8, 30), 0.1)), Line("l", "L", (0, 4), (30, 4), 8), Scale())
    path = write_profiles_csv(tmp_path / "p.csv", [found], [front(found)])
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 30
    assert float(rows[3]["Value"]) == pytest.approx(values[:, 3].mean())
    assert float(rows[0]["Front position [px]"]) == pytest.approx(12.0, abs=0.6)
    assert save_figure(profile_figure([found], [front(found)]), tmp_path / "p.svg").stat().st_size > 3000
    with pytest.raises(BadData, match="no profile"):
        write_profiles_csv(tmp_path / "q.csv", [])


@pytest.mark.parametrize("palette", list(PALETTES))
def test_overlay_adds_colours(palette, tmp_path):
    low, high = np.zeros((3, 100)), np.zeros((3, 100))
    low[:, :50], high[:, 50:] = 1.0, 2.0
    found = overlay([Map("a", "A", "", low), Map("b", "B", "nm", high)], palette)
    first, second = (np.round(255 * np.array(colour)) for colour in PALETTES[palette][1][:2])
    assert found.pixels[0, 10] == pytest.approx(first, abs=1)
    assert found.pixels[0, 90] == pytest.approx(second, abs=1)
    assert found.ranges == ((0.0, 1.0), (0.0, 2.0))
    assert found.names == ("A", "B (nm)")
    assert save_figure(overlay_figure(found, NAVIGATION), tmp_path / "o.png", dpi=60).stat().st_size > 1000


def test_overlays_take_maps_of_one_image():
    with pytest.raises(BadData, match="one image"):
        overlay([one_map(), Map("n", "N", "", np.ones((2, 2)))])
    with pytest.raises(BadData, match="two to four"):
        overlay([])


CLASSES = Map("r", "Region", "", np.array([[1.0, 2.0, 1.0], [1.0, np.nan, 2.0]]),
              legend=((0, "not determined"), (1, "vacuum"), (2, "carbon")), kind="classes")


def test_classes_have_their_words_in_the_table(tmp_path):
    same = Axis(5.0 * np.arange(3), "distance", "nm")
    other = Axis(5.0 * np.arange(2), "distance", "nm")
    path = write_maps_csv(tmp_path / "c.csv", [CLASSES], (other, same))
    with path.open(encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["Row", "Column", "y [nm]", "x [nm]", "Region", "Region, in words"]
    assert rows[2] == ["0", "1", "0", "5", "2", "carbon"]
    assert rows[5] == ["1", "1", "5", "5", "", ""]


def test_one_axis_for_rows_and_columns_has_two_headings():
    axis = Axis(np.arange(3.0), "distance", "nm")
    columns, _ = table([Map("m", "M", "", np.ones((3, 3)))], (axis, axis))
    assert columns == ["Row", "Column", "y [nm]", "x [nm]", "M"]


def test_flags_are_words():
    flags = np.array([0, 2, 3], np.uint8)
    _, rows = table([Map("m", "M", "", np.ones(3), flags=flags, legend=((0, "good"), (2, "no zero loss")))])
    assert [row[-1] for row in rows] == ["", "no zero loss", "3"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_figure_of_classes_has_words_and_no_colour_bar(theme):
    figure = map_figure([one_map(), CLASSES], NAVIGATION[:2], theme)
    words = [text.get_text() for text in figure.texts]
    assert words == ["vacuum", "carbon"]
    assert len(figure.axes) == 3  # two pictures, one colour bar
    assert all(0 <= text.get_position()[1] <= 1 for text in figure.texts)


def test_report_gives_shares_of_classes():
    assert _map_row(CLASSES, False)[1] == "vacuum 60 %, carbon 40 %"
    assert _map_row(one_map(), False)[1] == "12 eV"


def test_a_map_in_voxels_becomes_a_stack_of_scans_with_the_unit_of_its_pixels(tmp_path):
    image = pytest.importorskip("PIL.Image")
    lateral = tuple(Axis((np.arange(n) + 0.5) * 0.39, "distance", "µm") for n in (4, 6))
    axes = (Axis(np.arange(1.0, 4.0), "time", "s"), *lateral)
    voxels = Map("v", "Bulk", "counts", np.arange(72.0).reshape(3, 4, 6))
    entry = SimpleNamespace(title="Cube", maps=(voxels, one_map()), spectrum=SimpleNamespace(navigation=axes))
    folder = write_maps([entry], tmp_path / "maps")
    assert sorted(path.name for path in folder.iterdir()) == ["Cube Bulk.tif", "Cube M.csv", "Cube M.tif"]
    with image.open(folder / "Cube Bulk.tif") as picture:
        assert picture.n_frames == 3
        words = picture.tag_v2[270]
        picture.seek(2)
        assert np.array_equal(np.asarray(picture), voxels.values[2].astype(np.float32))
    assert "unit=um\n" in words
    assert "pixel size=0.39 um" in words
    assert "pages=values of 3 scans each" in words
    with (folder / "Cube M.csv").open(encoding="utf-8") as file:  # the picture of a cube has places as well
        assert next(csv.reader(file))[:4] == ["Row", "Column", "y [µm]", "x [µm]"]
