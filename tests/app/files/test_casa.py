"""CasaXPS's lines: regions, components, links, calibrations, and lines that are not understood."""

from __future__ import annotations

import pytest

from app.files import read
from app.files.casa import Calibration, casa_info, parse_comments

REGION = "CASA region (*Mo 3d*) (*Shirley*) 1249.3 1262.7 10.8 2 0.5 1.5 392.5 -450 0 0 (*Mo 3d*) 95.92 0 9.5"
PARENT = (
    "CASA comp (*Mo 3d, 5/2*) (*LA(1.53,243)*) Area 7955.3136 1e-020 2327991 -1 1 MFWHM 0.91 0.25 1.5 -1 1 "
    "Position 1257.89 1257.8 1258.4 -1 1 RSF 10.8 MASS 95.92 INDEX -1 (*Mo 3d*) CONST (**) UNCORRECTEDRSF 9.5"
)
CHILD = (
    "CASA comp (*Mo 3d, 3/2*) (*GL(30)*) Area 5303.5425 1e-020 2327991 0 0.66666667 MFWHM 0.91 0.25 6.3 0 1 "
    "Position 1254.75 0 0 0 -3.14 RSF 10.8 MASS 95.92 INDEX 2 (*other tag*) CONST (*a = b*) UNCORRECTEDRSF 9.5"
)


def test_a_region():
    (region,) = parse_comments([REGION]).regions
    assert (region.name, region.background, region.tag) == ("Mo 3d", "Shirley", "Mo 3d")
    assert (region.start_ke, region.end_ke, region.rsf) == (1249.3, 1262.7, 10.8)
    assert (region.average_width, region.start_offset, region.end_offset) == (2, 0.5, 1.5)
    assert region.parameters == (392.5, -450, 0, 0)
    assert (region.mass, region.effective_rsf, region.rest) == (95.92, 9.5, "0")


def test_components_and_their_links():
    info = parse_comments([PARENT, CHILD])
    parent, child = info.components
    assert (parent.area_link, parent.fwhm_link, parent.position_link) == (None, None, None)
    assert (parent.area, parent.area_min, parent.area_max) == (7955.3136, 1e-20, 2327991)
    assert (parent.position_ke, parent.position_min, parent.position_max) == (1257.89, 1257.8, 1258.4)
    assert (parent.fwhm, parent.fwhm_min, parent.fwhm_max, parent.rsf) == (0.91, 0.25, 1.5, 10.8)
    assert (child.area_link, child.area_factor, child.fwhm_link, child.position_offset) == (0, 0.66666667, 0, -3.14)
    assert (child.name, child.shape, child.index, child.tag) == ("Mo 3d, 3/2", "GL(30)", 2, "other tag")
    assert (child.constraint, child.uncorrected_rsf, child.rest) == ("a = b", 9.5, "")
    assert info.unparsed == ()


def test_older_lines_without_the_last_fields():
    line = "CASA comp (*C 1s*) (*GL(30)*) Area 1 0 9 -1 1 FWHM 1 0 2 -1 1 Position 1200 1199 1201 -1 1"
    (component,) = parse_comments([line]).components
    assert (component.fwhm, component.rsf, component.mass, component.tag) == (1, None, None, "")


def test_words_that_are_not_known_are_kept():
    (component,) = parse_comments([PARENT + " NEWWORD 7"]).components
    assert component.rest == "NEWWORD 7"


def test_calibrations_add_up():
    info = parse_comments(["Calib M = 281.1700 A = 284.8 BE ADD", "Calib M = 284.7999 A = 284.8 BE ADD"])
    assert info.shift == 3.6301
    assert info.calibrations[0] == Calibration(281.17, 284.8)
    assert parse_comments([]).shift == 0


def test_calibration_flags_ranges_and_kinetic_scale():
    info = parse_comments(["Calib M = 280,281 A = 284.8 [Regions Comps] BE ADD"])
    (calibration,) = info.calibrations
    assert calibration.measured_range == (280, 281)
    assert (calibration.applies_to_regions, calibration.applies_to_components) == (True, True)
    assert info.shift is None  # the maximum within the range was taken, and the file does not say where it lay
    (kinetic,) = parse_comments(["Calib M = 1201.8 A = 1202.0 KE ADD"]).calibrations
    assert kinetic.shift == pytest.approx(-0.2)


@pytest.mark.parametrize(
    "line",
    [
        "CASA region (*C 1s*) (*Shirley*) 1 2 x",
        "CASA region (*C 1s*) 1 2 3 4 5 6",
        "CASA comp (*C 1s*) (*GL(30)*) Area 1 2 3",
        "CASA comp (*C 1s*) (*GL(30)*) Area nan 0 9 -1 1 MFWHM 1 0 2 -1 1 Position 1200 1199 1201 -1 1",
        "CASA comp",
        "CASA comp (*C 1s",
        "CASA something new",
        "Calib M = x A = 284.8",
        "Calib nonsense",
        "Calib M = 1,2,3 A = 4",
    ],
)
def test_lines_that_are_not_understood_are_reported(line):
    info = parse_comments([line, REGION])
    assert info.unparsed == (line,)
    assert len(info.regions) == 1


def test_a_link_to_nothing_is_reported():
    (text,) = parse_comments([CHILD.replace(" 0 0.6666", " 7 0.6666")]).unparsed
    assert "linked to a component that does not exist" in text


def test_other_comments_are_passed_over():
    info = parse_comments(["Calibration: Au 4f", "Casa Info Follows", "annot comps", "10", ""])
    assert info == parse_comments([])


def test_from_a_spectrum(vamas):
    (spectrum,) = read(vamas.one(comments=("Casa Info Follows", "0", "0", "1", REGION, "2", PARENT, CHILD)))
    info = casa_info(spectrum)
    assert (len(info.regions), len(info.components)) == (1, 2)
