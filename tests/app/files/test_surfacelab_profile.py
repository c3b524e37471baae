"""Depth profiles of SurfaceLab: every trap of the format, on texts made here and on measured files."""

from __future__ import annotations

import numpy as np
import pytest

from app.files import read, sniff
from app.files.surfacelab_text import rounding
from fitting.sims.columns import columns
from fitting.sims.kinds import kind_of
from libraries.errors import BadFile
from libraries.ions import parse_label
from tests.app.files.made_surfacelab import HEADS, IONS, ROWS, profile

PROFILES = ("profile_FACSPI_pos", "profile_MAPI_fluence", "profile_MAPI_fluence_ROI", "profile_MAPI_neg",
            "profile_MAPI_pos", "profile_spiro_pos")


def extra(spectrum, name):
    return [value for key, value in spectrum.meta.extra if key == name]


def test_names_masses_counts_and_scales(write):
    (s,) = read(write(profile(), "hard carbon pos.txt"))
    assert kind_of(s) == "profile"
    assert s.meta.technique == "sims"
    assert (s.name, s.meta.sample) == ("hard carbon pos", "hard carbon pos")
    assert s.axis.labels == tuple(name for name, _ in IONS)
    assert s.axis.masses == tuple(mass for _, mass in IONS)
    np.testing.assert_array_equal(s.counts, ROWS)
    assert s.counts.dtype.kind == "i"
    assert (s.noise.kind, s.noise.gain) == ("poisson", 1.0)
    assert [(a.quantity, a.unit) for a in (*s.navigation, *s.scales)] == [
        ("time", "s"), ("dose", "ions"), ("fluence", "ions/cm²")]
    np.testing.assert_allclose(s.navigation[0].values, [0, 1.4666, 2.9332])
    assert extra(s, "polarity") == ["positive"]


@pytest.mark.parametrize(("end", "tail"), [("\n", ""), ("\r\n", "\t"), ("\r", "")])
def test_ends_of_lines_and_the_last_tab_do_not_matter(write, end, tail):
    (s,) = read(write(profile(end=end, tail=tail)))
    np.testing.assert_array_equal(s.counts, ROWS)


def test_doubles_are_kept_in_their_order(write):
    (s,) = read(write(profile()))
    kinds = columns(s.axis)
    assert [c.name for c in kinds].count("SnO+") == 2
    np.testing.assert_array_equal(s.counts[:, 4:6], [[5, 4], [6, 3], [7, 2]])
    assert [c.label.kind for c in kinds] == ["total", *["single"] * 5, "sum", "single"]


def test_ratios_are_computed_again_and_only_their_label_is_kept(write):
    ratios = (("Na_2F+ / ( ^207PbI+ )", (40 / 12, 35 / 13, "inf")),
              ("^207PbI+PbI+ / ( Na_2F+ )", (1.05, 46 / 35, 2.05)))
    (s,) = read(write(profile(ratios=ratios)))
    assert extra(s, "ratio column") == [label for label, _ in ratios]
    assert extra(s, "ratio column left out") == []
    assert s.counts.shape == (3, len(IONS))


def test_a_ratio_of_ions_whose_sum_has_no_column_is_computed_from_them(write):
    (s,) = read(write(profile(ions=IONS[:6], rows=[row[:6] for row in ROWS],
                              ratios=(("^207PbI+PbI+ / ( Na_2F+ )", (42 / 40, 46 / 35, 41 / 20)),))))
    assert extra(s, "ratio column") == ["^207PbI+PbI+ / ( Na_2F+ )"]


@pytest.mark.parametrize(("ratio", "words"), [
    (("Na_2F+ / ( ^207PbI+ )", (40 / 12, 35 / 13 * 1.0001, "inf")), "not those of its ions"),
    (("Na_2F+ / ( ^207PbI+ )", (40 / 12, 35 / 13, 3.0)), "not those of its ions"),  # 20 / 0
    (("Na_2F+ / ( ^207PbI+ )", (40 / 12, "inf", "inf")), "not those of its ions"),
    (("Na_2F+ / ( K+ )", (1, 1, 1)), "no column of K+"),
    (("Na_2F+ / ( rest )", (1, 1, 1)), "no column of rest"),
])
def test_a_ratio_that_disagrees_or_cannot_be_computed_is_left_out_and_named(write, ratio, words):
    (s,) = read(write(profile(ratios=(ratio,))))
    assert extra(s, "ratio column") == []
    (said,) = extra(s, "ratio column left out")
    assert said.startswith(ratio[0])
    assert words in said
    assert s.counts.shape == (3, len(IONS))


def test_counts_near_the_smallest_number_have_no_ratio(write):
    # Found by changing files at random: 40 / 1e-320 is larger than any number.
    rows = [(900, 40, 1e-320, *ROWS[0][3:]), *ROWS[1:]]
    (s,) = read(write(profile(rows=rows, ratios=(("Na_2F+ / ( PbI+ )", (40 / 30, 35 / 33, 20 / 41)),))))
    assert extra(s, "ratio column") == []
    assert "not those of its ions" in extra(s, "ratio column left out")[0]


def test_a_sum_that_is_none_is_said(write):
    rows = [(*row[:6], row[6] + 1, row[7]) for row in ROWS]
    (s,) = read(write(profile(rows=rows)))
    assert extra(s, "sum column") == ["^207PbI+PbI+: not the sum of the columns of its ions"]
    assert extra(read(write(profile()))[0], "sum column") == []


def test_empty_points_at_the_end_are_left_out_and_those_between_kept(write):
    empty = (0,) * len(IONS)
    (s,) = read(write(profile(rows=(ROWS[0], empty, ROWS[1], empty, empty),
                              ratios=(("Na_2F+ / ( PbI+ )", (40 / 30, "nan", 35 / 33, "inf", "-nan(ind)")),))))
    np.testing.assert_array_equal(s.counts, [ROWS[0], empty, ROWS[1]])
    assert extra(s, "points left out") == ["the last 2 points (4, 5): nothing is counted there"]
    assert extra(s, "ratio column") == ["Na_2F+ / ( PbI+ )"]
    assert len(s.scales[0]) == 3


def test_decimal_commas(write):
    text = profile(rows=[tuple(1.25 * c for c in row) for row in ROWS])
    (s,) = read(write(text))
    (t,) = read(write(text.replace(".", ",")))
    np.testing.assert_array_equal(s.counts, t.counts)
    assert s.axis.masses == t.axis.masses


@pytest.mark.parametrize("change", [
    lambda text: text.replace("64.9774", "64,9774"),
    lambda text: profile(ions=tuple((name, 0.0) for name, _ in IONS),
                         scales=[("1,467",) * 3, ("2,467",) * 3, ("3,467",) * 3]),
])
def test_a_comma_that_is_not_sure_is_refused(write, change):
    with pytest.raises(BadFile, match="comma"):
        read(write(change(profile())))


def test_fluence_of_two_beams_is_said(write):
    (s,) = read(write(profile(scales=[(i, 2.5e6 + 9e9 * i, 1e11 + 3.9e12 * i) for i in range(3)])))
    (said,) = extra(s, "fluence")
    assert "2.5e-05 cm² (a square of 50 µm) at the first" in said
    assert "0.00228 cm²" in said
    (s,) = read(write(profile(scales=[(i, 2.5e6 * (i + 1), 1e11 * (i + 1)) for i in range(3)])))
    assert extra(s, "fluence") == []
    assert extra(s, "area") == ["2.5e-05 cm² (a square of 50 µm): dose over fluence at every point"]


def test_smoothed_counts_have_no_known_noise(write):
    (s,) = read(write(profile(smoothing="Enabled (3 points)")))
    assert s.noise.kind == "unknown"
    assert extra(s, "smoothing")


def test_dead_time_correction_is_told_from_the_counts(write):
    (s,) = read(write(profile(rows=[tuple(c * (1 + 3e-5 * c) for c in row) for row in ROWS])))
    assert s.counts.dtype.kind == "f"
    assert extra(s, "dead time") == ["corrected by the instrument's software (the counts are no whole numbers)"]
    (s,) = read(write(profile()))
    assert extra(s, "dead time") == ["whole counts: not corrected, or corrected and rounded"]


def test_repeated_times_leave_the_points_as_axis_and_are_said(write):
    (s,) = read(write(profile(scales=[(0, 1e6, 1e11), (0, 2e6, 2e11), (1.5, 3e6, 3e11)])))
    assert s.navigation[0].quantity == "scan"
    assert extra(s, "column left out") == ["Sputter Time (s): point 2 has the same value as the one before"]


def test_columns_that_are_not_known_are_said(write):
    (s,) = read(write(profile(heads=("Sputter Time (s)", "Pressure (mbar)"), scales=[(i, 1e-9) for i in range(3)])))
    assert extra(s, "column left out") == ["Pressure (mbar): not known"]
    (s,) = read(write(profile(heads=("Sputter Time (min)",), scales=[(0,), (1,), (2,)])))
    np.testing.assert_array_equal(s.navigation[0].values, [0, 60, 120])


SHORT = ROWS[0][:-1]
BAD = [
    (lambda: profile(rows=(ROWS[0], SHORT)), "line 6"),
    (lambda: profile(rows=(("x", *ROWS[0][1:]),)), "'x' is not a number"),
    (lambda: profile(rows=(("inf", *ROWS[0][1:]),)), "'inf' is not a number"),
    (lambda: profile(ratios=(("Na_2F+ / ( PbI+ )", ("x", 1, 1)),)), "'x' is not a number"),
    (lambda: profile().replace("64.9774", "light"), "'light'"),
    (lambda: profile().replace("64.9774\t", ""), "8 columns of intensities have 7 masses"),
    (lambda: profile().replace("\tNa_2F+", ""), "8 columns of intensities have 7 names"),
    (lambda: profile().replace("\tNa_2F+\t", "\t\t"), "has no name"),
    (lambda: profile(heads=HEADS[1:], scales=[(i + 1, i + 1) for i in range(3)]), "no sputter time"),
    (lambda: profile(ions=(*IONS[:-1], ("F-", 18.9984))), "mixed"),
    (lambda: profile(rows=()), "no points"),
    (lambda: profile(rows=((0,) * 8,)), "no counts"),
    (lambda: profile(scales=[(2, 1, 1), (1, 2, 2), (3, 3, 3)]), "falls"),
    (lambda: profile().replace("#Data Point #", "Point"), "#Data Point #"),
    (lambda: profile().replace("\r\n2\t", "\r\n1\t"), "Point 1 follows point 1"),
    (lambda: profile().replace("Intensity", "Counts"), "intensities"),
    (lambda: profile().replace("#\t\t\t\t", "\t\t\t\t"), "names of the ions is missing"),
]


@pytest.mark.parametrize(("text", "words"), BAD)
def test_damaged_profiles_are_refused(write, text, words):
    path = write(text())
    with pytest.raises(BadFile, match=words) as caught:
        read(path)
    assert str(path) in caught.value.where
    assert caught.value.todo


@pytest.mark.realdata
@pytest.mark.parametrize("name", PROFILES)
def test_measured_profiles(realdata, name, measured):
    """Issue 6: every single, sum and ratio column recognised; recomputed ratios equal the exported ones."""
    path = realdata / "sims" / f"{name}.txt"
    assert sniff(path).name == "surfacelab_profile"
    (s,) = read(path)
    lines = path.read_text().split("\n")
    heads = lines[1].rstrip("\r\t").split("\t")[4:]
    kinds = [parse_label(head).kind for head in heads]
    assert all(c.label.ions or c.label.kind == "total" for c in columns(s.axis))
    assert s.axis.labels == tuple(h for h, kind in zip(heads, kinds, strict=True) if kind != "ratio")
    ratios = [h for h, kind in zip(heads, kinds, strict=True) if kind == "ratio"]
    assert extra(s, "ratio column") == ratios
    assert extra(s, "ratio column left out") == extra(s, "sum column") == extra(s, "column left out") == []
    table = np.array([list(map(float, line.split("\t")[:-1])) for line in lines[4:] if line.strip()])
    assert len(table) == len(s.counts) + len(extra(s, "points left out"))
    worst, beyond = 0.0, 0.0
    for ratio in ratios:
        upper, lower = ratio.rstrip(" )").split(" / ( ")
        a, b = (s.y[:, s.axis.labels.index(text)] for text in (upper, lower))
        given = table[: len(a), 4 + heads.index(ratio)]
        assert not np.any(np.isfinite(given[b == 0]))
        a, b, given = a[b > 0], b[b > 0], given[b > 0]
        again = a / b
        off = np.abs(again - given)
        digits = rounding(a, 6) / b + again * rounding(b, 6) / b + rounding(given, 6)
        there = given > 0
        worst = max(worst, float(np.max(off[there] / given[there])))
        beyond = max(beyond, float(np.max(np.maximum(off - digits, 0)[there] / given[there])))
        assert np.all(again[~there] == 0)
    measured(f"{name}: recomputed ratio against the exported one, with the rounding of its six digits", worst)
    measured(f"{name}: the same beyond the rounding of its six digits", beyond, "", "<= 1e-6")
    assert beyond <= 1e-6


@pytest.mark.realdata
def test_kinds_of_all_measured_columns(realdata, measured):
    found = {"single": 0, "sum": 0, "ratio": 0, "total": 0}
    expected = dict(found)
    for name in PROFILES:
        (s,) = read(realdata / "sims" / f"{name}.txt")
        for column in columns(s.axis):
            found[column.label.kind] += 1
        found["ratio"] += len(extra(s, "ratio column"))
        heads = (realdata / "sims" / f"{name}.txt").read_text().split("\n")[1].rstrip("\r\t").split("\t")[4:]
        for head in heads:  # told by another rule: a line makes a ratio, several charges a sum
            signs = head.count("+") + head.count("-")
            expected["ratio" if "/" in head else "total" if signs == 0 else "sum" if signs > 1 else "single"] += 1
    assert found == expected == {"single": 611, "sum": 10, "ratio": 34, "total": 6}
    for kind, number in found.items():
        measured(f"columns of measured profiles: {kind}", number)
