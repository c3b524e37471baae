"""VAMAS: the grammar in all modes, axes, units, noise, circumstances, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from app.files import read, sniff
from app.files.vamas_syntax import MODES, TECHNIQUES, parse
from fitting.dataset import Noise
from libraries.errors import BadFile


def test_a_kinetic_axis_becomes_binding_energy_ascending(vamas):
    (spectrum,) = read(vamas.one())
    assert spectrum.axis.quantity == "binding_energy"
    assert spectrum.axis.unit == "eV"
    np.testing.assert_array_equal(spectrum.x, [295.1, 295.6, 296.1, 296.6])
    np.testing.assert_array_equal(spectrum.y, [11, 14, 12, 10])  # flipped with the axis
    assert sniff(vamas.one()).name == "vamas"


def test_the_work_function_is_kept_but_not_subtracted_again(vamas):
    (spectrum,) = read(vamas.one(work_function="4.1082"))
    assert spectrum.meta.work_function == 4.1082
    assert spectrum.x[-1] == 296.6


def test_meta_holds_everything_of_the_header(vamas):
    path = vamas.one(
        {"comments": ("SourceAnalyserAngle: 54.7356 d",), "variables": (("Etch Time", "s"),), "manual": ("15",)},
        variables=("120",),
        comments=("Charge Neutraliser : On", "  indented, kept  "),
        parameters=(("MFP Exponent", "d", "0.75"),),
    )
    meta = read(path)[0].meta
    assert (meta.region, meta.sample, meta.element, meta.transition) == ("C 1s", "Sample", "C", "1s")
    assert (meta.institution, meta.instrument, meta.operator) == ("Institute", "Instrument", "Operator")
    assert (meta.experiment, meta.technique, meta.source) == ("Experiment", "xps", "Al (mono)")
    assert (meta.photon_energy, meta.pass_energy, meta.dwell_time, meta.sweeps) == (1486.6, 20, 0.1, 5)
    assert (meta.analyser_mode, meta.signal_mode) == ("FAT", "pulse counting")
    assert meta.date == "2024-05-06T07:08:09+02:00"
    assert meta.source_analyser_angle == 54.7356
    assert meta.charge_state == "neutraliser on"
    assert meta.comments == ("Charge Neutraliser : On", "  indented, kept  ")
    assert (meta.file, meta.file_format, meta.index) == (str(path), "VAMAS", 0)
    extra = dict(meta.extra)
    assert extra["variable:Etch Time"] == "120 s"
    assert extra["parameter:MFP Exponent"] == "0.75 d"
    assert extra["analysis source strength"] == "225"
    assert extra["manually entered item"] == "15"
    assert extra["experiment comment"] == "SourceAnalyserAngle: 54.7356 d"
    assert "target bias" not in extra  # 1E37 stands for no value


@pytest.mark.parametrize("value", ["1E37", "1e+037", "1.0E+37", "+1E37", "9.9999999E36"])
def test_no_value_is_none(vamas, value):
    meta = read(vamas.one(work_function=value, time=value, scans=value, analyser=("FAT", value)))[0].meta
    assert (meta.work_function, meta.dwell_time, meta.sweeps, meta.pass_energy) == (None, None, None, None)


def test_without_photon_energy_the_axis_stays_kinetic(vamas):
    for photon in ("1E37", "0"):
        (spectrum,) = read(vamas.one(photon=photon))
        assert spectrum.axis.quantity == "kinetic_energy"
        assert spectrum.meta.photon_energy is None
        np.testing.assert_array_equal(spectrum.x, [1190, 1190.5, 1191, 1191.5])


def test_an_electron_beam_is_no_photon_source(vamas):
    (spectrum,) = read(vamas.one(technique="AES dir", photon="5000"))
    assert spectrum.axis.quantity == "kinetic_energy"
    assert spectrum.meta.photon_energy is None
    assert spectrum.meta.technique == "other"


@pytest.mark.parametrize("label", ["Binding Energy", "binding energy", "BE"])
def test_a_binding_axis_is_kept_and_flipped(vamas, label):
    (spectrum,) = read(vamas.one(axis=(label, "eV", "300", "-0.5")))
    assert spectrum.axis.quantity == "binding_energy"
    np.testing.assert_array_equal(spectrum.x, [298.5, 299, 299.5, 300])
    np.testing.assert_array_equal(spectrum.y, [11, 14, 12, 10])


def test_an_unnamed_energy_is_assumed_kinetic_and_says_so(vamas):
    (spectrum,) = read(vamas.one(axis=("Energy", "eV", "1190", "0.5")))
    assert spectrum.axis.quantity == "binding_energy"
    assert ("axis", "assumed: kinetic energy; the file says 'Energy'") in spectrum.meta.extra


@pytest.mark.parametrize(
    ("label", "quantity"), [("Energy Loss", "energy_loss"), ("Sputter Time", "time"), ("Something", "channel")]
)
def test_other_axes(vamas, label, quantity):
    (spectrum,) = read(vamas.one(technique="ELS", axis=(label, "x", "0", "1")))
    assert spectrum.axis.quantity == quantity
    assert spectrum.meta.technique == "eels"


def test_irregular_scans_bring_their_energies_as_an_ordinate(vamas):
    path = vamas.one(
        {"scan": "IRREGULAR"},
        ordinates=(("Kinetic Energy", "eV"), ("Intensity", "d"), ("transmission", "d")),
        data=((1190, 1190.1, 1190.3, 1190.4), (1, 2, 3, 4), (2.5, 2.4, 2.3, 2.2)),
    )
    (spectrum,) = read(path)
    np.testing.assert_array_equal(spectrum.x, [296.2, 296.3, 296.5, 296.6])
    np.testing.assert_array_equal(spectrum.y, [4, 3, 2, 1])
    np.testing.assert_array_equal(spectrum.transmission, [2.2, 2.3, 2.4, 2.5])


def test_irregular_points_out_of_order_are_sorted_and_it_is_said(vamas):
    path = vamas.one(
        {"scan": "IRREGULAR"},
        ordinates=(("Binding Energy", "eV"), ("Intensity", "d")),
        data=((5, 3, 4, 6), (50, 30, 40, 60)),
    )
    (spectrum,) = read(path)
    np.testing.assert_array_equal(spectrum.y, [30, 40, 50, 60])
    assert "axis order" in dict(spectrum.meta.extra)


def test_roles_of_ordinates_follow_their_labels(vamas):
    path = vamas.one(
        ordinates=(("Transmission Function", "d"), ("Drain current", "nA"), ("Counts", "d")),
        data=((1, 2, 3, 4), (9, 9, 9, 9), (10, 20, 30, 40)),
    )
    (spectrum,) = read(path)
    np.testing.assert_array_equal(spectrum.y, [40, 30, 20, 10])
    np.testing.assert_array_equal(spectrum.transmission, [4, 3, 2, 1])
    assert ("ordinate not loaded:Drain current", "nA") in spectrum.meta.extra


def test_a_transmission_that_is_not_positive_is_left_out_and_it_is_said(vamas):
    path = vamas.one(ordinates=(("Intensity", "d"), ("Transmission", "d")), data=((1, 2, 3, 4), (1, 0, 1, 1)))
    (spectrum,) = read(path)
    assert spectrum.transmission is None
    assert "above zero" in dict(spectrum.meta.extra)["transmission"]


# Ordinate label, unit, block name, signal mode, counts -> intensity unit, noise. Live time is 0.1 s x 5.
UNITS = [
    ("Intensity", "d", "C 1s", "pulse counting", (1, 2, 3, 4), "counts", Noise("poisson", 1.0)),
    ("Intensity", "c", "C 1s", "pulse counting", (1, 2, 3, 4), "counts", Noise("poisson", 1.0)),
    ("Intensity", "d", "C 1s", "pulse counting", (1.5, 2, 3, 4), "counts", Noise("poisson", None)),
    ("Intensity", "d", "C 1s", "pulse counting", (-1, 2, 3, 4), "counts", Noise("unknown")),
    ("Intensity", "c/s", "C 1s", "pulse counting", (2, 4, 6, 8), "counts/s", Noise("poisson", 2.0)),
    ("Intensity", "s-1", "C 1s", "pulse counting", (2, 4, 6, 8), "counts/s", Noise("poisson", 2.0)),
    ("Intensity", "cps", "C 1s", "pulse counting", (2.5, 4, 6, 8), "counts/s", Noise("poisson", None)),
    ("Counts per second", "d", "C 1s", "pulse counting", (2, 4, 6, 8), "counts/s", Noise("poisson", 2.0)),
    ("Intensity", "d", "Counts per Second", "pulse counting", (2, 4, 6, 8), "counts/s", Noise("poisson", 2.0)),
    ("Intensity", "d", "C 1s", "analogue", (1, 2, 3, 4), "arbitrary", Noise("unknown")),
    ("Current", "nA", "C 1s", "analogue", (1, 2, 3, 4), "arbitrary", Noise("unknown")),
]


@pytest.mark.parametrize(("label", "unit", "name", "signal", "counts", "expected", "noise"), UNITS)
def test_unit_and_noise(vamas, label, unit, name, signal, counts, expected, noise):
    (spectrum,) = read(vamas.one(name=name, signal=signal, ordinates=((label, unit),), data=(counts,)))
    assert spectrum.meta.intensity_unit == expected
    assert spectrum.noise == noise


def test_a_rate_without_live_time_has_an_unknown_gain(vamas):
    (spectrum,) = read(vamas.one(ordinates=(("Intensity", "c/s"),), time="1E37"))
    assert spectrum.noise == Noise("poisson", None)


@pytest.mark.parametrize(
    ("source", "take_off", "tilt", "emission", "between"),
    [
        (("54.7", "180"), ("0", "0"), ("0", "0"), 0.0, 54.7),
        (("54.7", "0"), ("45", "180"), ("0", "0"), 45.0, 99.7),
        (("1E37", "1E37"), ("45", "0"), ("45", "0"), 0.0, None),  # the sample faces the analyser
        (("1E37", "1E37"), ("0", "0"), ("60", "90"), 60.0, None),
        (("0", "0"), ("0", "0"), ("0", "0"), None, None),  # zeros that stand for nothing
        (("1E37", "1E37"), ("1E37", "1E37"), ("0", "0"), None, None),
    ],
)
def test_angles_count_from_the_surface_normal(vamas, source, take_off, tilt, emission, between):
    meta = read(vamas.one(source=source, take_off=take_off, tilt=tilt))[0].meta
    assert meta.emission_angle == pytest.approx(emission, abs=1e-6) if emission is not None else True
    assert (meta.emission_angle is None) == (emission is None)
    assert meta.source_analyser_angle == (None if between is None else pytest.approx(between, abs=1e-6))


def test_an_angle_variable_is_the_emission_angle_and_says_so(vamas):
    path = vamas.one({"variables": (("Angle", "degree"),)}, variables=("55",), source=("0", "0"))
    meta = read(path)[0].meta
    assert meta.emission_angle == 55
    assert dict(meta.extra)["emission_angle"] == "from the experimental variable 'Angle'"
    ambiguous = vamas.one({"variables": (("Take-off angle", "degree"),)}, variables=("55",))
    meta = read(ambiguous)[0].meta
    assert meta.emission_angle is None
    assert "may count from the surface" in dict(meta.extra)["emission_angle"]


def test_a_retard_ratio_is_no_pass_energy(vamas):
    meta = read(vamas.one(analyser=("FRR", "10")))[0].meta
    assert meta.pass_energy is None
    assert dict(meta.extra)["analyser pass energy or retard ratio or mass resolution"] == "10"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("technique", TECHNIQUES)
def test_every_mode_and_technique_has_its_own_lines(vamas, mode, technique):
    path = vamas.one({"mode": mode}, technique=technique)
    (spectrum,) = read(path)
    assert sorted(spectrum.y) == [10, 11, 12, 14]
    assert spectrum.meta.region == "C 1s"
    assert dict(spectrum.meta.extra)["experiment mode"] == mode


def test_map_positions_and_sputtering_are_kept(vamas):
    extra = dict(read(vamas.one({"mode": "MAPDP"}))[0].meta.extra)
    assert (extra["x coordinate"], extra["y coordinate"]) == ("3", "4")
    assert extra["sputtering ion atomic number"] == "18"
    assert extra["sputtering mode"] == "cyclic"
    assert extra["field of view y"] == "200"


def _second(vamas, numbers):
    """Lines of a second block that gives only the items of these numbers (single-line items and 8)."""
    full = {1: ["2025"], 8: ["1", "second"], 9: ["XPS"], 22: ["160"], 40: ["0"]}
    return ["O 1s", "Other", *(line for number in sorted(numbers) for line in full[number])]


DATA = ["4", "1", "4", "1", "2", "3", "4"]


def test_an_inclusion_list_names_what_later_blocks_give(vamas):
    head = vamas.header(included=(3, (1, 8, 22)), blocks=2)
    path = vamas.write(*head, *vamas.block(comments=("first",)), *_second(vamas, (1, 8, 22)), *DATA)
    first, second = read(path)
    assert (first.meta.date[:4], second.meta.date[:4]) == ("2024", "2025")
    assert (first.meta.pass_energy, second.meta.pass_energy) == (20, 160)
    assert (first.meta.comments, second.meta.comments) == (("first",), ("second",))
    assert (second.meta.region, second.meta.sample, second.meta.index) == ("O 1s", "Other", 1)
    assert second.meta.dwell_time == 0.1
    np.testing.assert_array_equal(first.x, second.x)


def test_an_exclusion_list_names_what_later_blocks_omit(vamas):
    given = (8, 22)
    excluded = [number for number in range(1, 41) if number not in given]
    head = vamas.header(included=(-len(excluded), excluded), blocks=2)
    path = vamas.write(*head, *vamas.block(), *_second(vamas, given), *DATA)
    first, second = read(path)
    assert (second.meta.pass_energy, second.meta.comments, second.meta.date) == (160, ("second",), first.meta.date)


def test_future_upgrades_are_passed_over_and_kept(vamas):
    head = vamas.header(future=("new thing",), n_future=2)
    (spectrum,) = read(vamas.write(*head, *vamas.block(future=("one", "two"))))
    assert sorted(spectrum.y) == [10, 11, 12, 14]
    kept = [text for name, text in spectrum.meta.extra if name.startswith("future")]
    assert kept == ["new thing", "one", "two"]


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "latin-1", "utf-8-sig"])
def test_line_ends_and_encodings(vamas, end, encoding):
    lines = [*vamas.header(), *vamas.block(sample="Müller 20 µm", comments=("a\x0cb",))]
    (spectrum,) = read(vamas.write(*lines, end=end, encoding=encoding))
    assert spectrum.meta.sample == "Müller 20 µm"
    assert spectrum.meta.comments == ("a\x0cb",)  # a form feed ends no line


def test_leading_blank_lines_are_passed_over(vamas):
    path = vamas.write("", " ", *vamas.header(), *vamas.block())
    assert read(path)[0].meta.region == "C 1s"


def test_lines_behind_the_end_are_reported(vamas):
    path = vamas.write(*vamas.header(), *vamas.block())
    path.write_text(path.read_text() + "something else\n")
    assert ("not read", "1 lines behind the end of the experiment") in read(path)[0].meta.extra


def test_an_impossible_date_is_no_date(vamas):
    assert read(vamas.one(date=("2024", "13", "45", "0", "0", "0", "0")))[0].meta.date == ""
    assert read(vamas.one(date=("0", "0", "0", "0", "0", "0", "0")))[0].meta.date == ""
    assert read(vamas.one(date=("2024", "5", "6", "7", "8", "9", "1E37")))[0].meta.date == "2024-05-06T07:08:09"


def test_not_specified_is_empty(vamas):
    lines = vamas.header()
    lines[1:5] = ["Not Specified", "not specified", "", "Not Specified"]
    meta = read(vamas.write(*lines, *vamas.block(sample="Not Specified")))[0].meta
    assert (meta.institution, meta.instrument, meta.operator, meta.experiment, meta.sample) == ("",) * 5


def test_a_species_that_is_no_element_stays_apart(vamas):
    meta = read(vamas.one(species=("Survey", "")))[0].meta
    assert meta.element == ""
    assert dict(meta.extra)["species label"] == "Survey"


def test_a_calibration_of_casaxps_is_mentioned_but_not_applied(vamas):
    (spectrum,) = read(vamas.one(comments=("Calib M = 281.17 A = 284.8 BE ADD",)))
    assert spectrum.x[-1] == 296.6
    assert dict(spectrum.meta.extra)["CasaXPS calibration"] == "of +3.63 eV, not applied to this axis"


# What is changed in a good file, and what the error says (what, and where).
def _broken(vamas, change):
    lines = [*vamas.header(), *vamas.block()]
    change(lines)
    path = vamas.write(*lines)
    with pytest.raises(BadFile) as caught:
        read(path)
    assert str(path) in caught.value.where
    assert caught.value.todo
    return caught.value


def _set(text, replacement):
    def change(lines):
        lines[lines.index(text)] = replacement

    return change


def test_a_wrong_mode_is_refused(vamas):
    assert "'NURM' is no experiment mode of VAMAS" in str(_broken(vamas, _set("NORM", "NURM")))
    assert "'ODD' is no scan mode of VAMAS" in str(_broken(vamas, _set("REGULAR", "ODD")))


def test_text_for_a_number_names_block_and_line(vamas):
    lines = [*vamas.header(), *vamas.block()]
    number = lines.index("1190") + 1
    error = _broken(vamas, _set("1190", "abc"))
    assert error.what == "'abc' is not a number, but the abscissa start should be"
    assert error.where.endswith(f"block 1 'C 1s', line {number}")


def test_a_bad_value_names_its_line(vamas):
    lines = [*vamas.header(), *vamas.block()]
    last = len(lines)
    for text in ("1x", "nan", "inf", "1_0", ""):

        def change(lines, text=text):
            lines[-1] = text

        error = _broken(vamas, change)
        assert "is not a number, but an ordinate value should be" in error.what
        assert error.where.endswith(f"line {last}")


def test_a_point_without_value_is_refused(vamas):
    def change(lines):
        lines[-2] = "1E37"

    assert "A point has no value" in _broken(vamas, change).what


@pytest.mark.parametrize("declared", ["1000000000", "40", "-4", "1.5", "1e300"])
def test_an_absurd_number_of_values_is_refused_before_anything_is_allocated(vamas, declared):
    lines = [*vamas.header(), *vamas.block()]

    def change(lines):
        lines[-7] = declared

    assert lines[-7] == "4"
    assert _broken(vamas, change).todo


def test_values_that_the_ordinates_cannot_share(vamas):
    path = vamas.one(ordinates=(("Intensity", "d"), ("T", "d")), data=((1, 2, 3, 4), (1, 1, 1, 1)))
    text = path.read_text().replace("\n8\n", "\n7\n")
    path.write_text(text)
    with pytest.raises(BadFile, match="7 values cannot be shared by 2 ordinates"):
        read(path)


def test_too_many_blocks_are_refused(vamas):
    path = vamas.write(*vamas.header(blocks=3), *vamas.block())
    with pytest.raises(BadFile, match="block"):
        read(path)
    path = vamas.write(*vamas.header(blocks=10**9), *vamas.block())
    with pytest.raises(BadFile, match="The number of blocks is 1000000000, which does not fit"):
        read(path)


def test_too_few_blocks_are_refused(vamas):
    path = vamas.write(*vamas.header(blocks=1), *vamas.block(), *vamas.block())
    with pytest.raises(BadFile, match="follows the last block, where 'end of experiment' should be"):
        read(path)


def test_no_block_and_no_point_are_refused(vamas):
    with pytest.raises(BadFile, match="holds no block"):
        read(vamas.write(*vamas.header(blocks=0)))
    lines = vamas.block()
    lines[-7:] = ["0", "0", "0"]
    with pytest.raises(BadFile, match="holds no point"):
        read(vamas.write(*vamas.header(), *lines))


def test_maps_are_refused(vamas):
    path = vamas.one({"mode": "SEM", "scan": "MAPPING"})
    with pytest.raises(BadFile, match=r"holds maps \(scan mode MAPPING\), not spectra"):
        read(path)


def test_two_points_at_one_energy_are_refused(vamas):
    path = vamas.one(
        {"scan": "IRREGULAR"},
        ordinates=(("Binding Energy", "eV"), ("Intensity", "d")),
        data=((1, 2, 2, 3), (1, 1, 1, 1)),
    )
    with pytest.raises(BadFile, match="Two points lie at 2 eV") as caught:
        read(path)
    lines = path.read_text().splitlines()
    number = int(caught.value.where.rsplit(" ", 1)[1])
    assert lines[number - 1] == "2"


def test_an_increment_of_zero_is_refused(vamas):
    with pytest.raises(BadFile, match="increment is 0"):
        read(vamas.one(axis=("Kinetic Energy", "eV", "1190", "0")))


def test_a_bad_inclusion_list_is_refused(vamas):
    with pytest.raises(BadFile, match="cannot have 41 entries"):
        read(vamas.write(*vamas.header(included=(41, range(1, 42))), *vamas.block()))
    with pytest.raises(BadFile, match="names an item outside 1 to 40"):
        read(vamas.write(*vamas.header(included=(1, (77,))), *vamas.block()))


def test_every_truncation_is_refused_with_a_line(vamas):
    lines = [*vamas.header(), *vamas.block(comments=("a", "b"))]
    for count in range(1, len(lines)):
        with pytest.raises(BadFile, match="line"):
            parse("\n".join(lines[:count]), "cut.vms")
    # Only the mark of the end is missing: nothing of the data is.
    assert len(parse("\n".join(lines), "cut.vms")[1]) == 1
