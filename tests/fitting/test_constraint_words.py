"""Constraints typed as sentences or formulas."""

import pytest

from fitting.constraint_words import Constraint, read
from libraries.errors import BadModel

NAMES = {
    "C–O": "p2", "CO3": "p3", "V 2p3/2": "p1", "p1": "p1", "p2": "p2", "p3": "p3", "x ray": "p4",
    "O 1s: CO3": "o_1s/r1/p1", "Cycled / O 1s: CO3": "o_1s/r1/p1",
}


@pytest.mark.parametrize(("text", "parameter", "link"), [
    ("CO3", "fwhm", "p3.fwhm"),
    ("same width as CO3", "fwhm", "p3.fwhm"),
    ("the same as C–O", "fwhm", "p2.fwhm"),
    ("equal to CO3", "mix", "p3.mix"),
    ("like CO3", "fwhm", "p3.fwhm"),
    ("= CO3", "fwhm", "p3.fwhm"),
    ("CO3 + 1.18 eV", "position", "p3.position + 1.18"),
    ("CO3 + 1,18 eV", "position", "p3.position + 1.18"),
    ("1.18 eV above CO3", "position", "p3.position + 1.18"),
    ("1,18 eV below C–O", "position", "p2.position - 1.18"),
    ("C–O − 3.1", "position", "p2.position - 3.1"),
    ("0.5 x CO3", "area", "0.5 * p3.area"),
    ("0,5 × CO3", "area", "0.5 * p3.area"),
    ("CO3 × 0.5", "area", "p3.area * 0.5"),
    ("0.5 CO3", "area", "0.5 * p3.area"),
    ("V 2p3/2 * 0.5", "area", "p1.area * 0.5"),
    ("half of CO3", "area", "p3.area / 2"),
    ("half the area of CO3", "area", "p3.area / 2"),
    ("a third of CO3", "area", "p3.area / 3"),
    ("twice CO3", "area", "p3.area * 2"),
    ("3 times CO3", "area", "3 * p3.area"),
    ("30 % of CO3", "area", "p3.area * 0.3"),
    ("area ratio 1:2 to V 2p3/2", "area", "p1.area * 0.5"),
    ("ratio 2:3 to CO3", "area", "p3.area * 0.6666666667"),
    ("1:2 to CO3", "area", "p3.area * 0.5"),
    ("ratio 0.5 to CO3", "area", "p3.area * 0.5"),
    ("within 0.1 eV of CO3", "position", "p3.position +- 0.1"),
    ("within 5 % of CO3", "area", "p3.area +- 5 %"),
    ("within 0.1 eV of CO3 + 3", "position", "p3.position + 3 +- 0.1"),
    ("CO3 + 1.18 ± 0.05", "position", "p3.position + 1.18 +- 0.05"),
    ("V 2p3/2 × 0.5 ± 5 %", "area", "p1.area * 0.5 +- 5 %"),
    ("CO3.fwhm", "fwhm_g", "p3.fwhm"),
    ("width of CO3", "fwhm_g", "p3.fwhm"),
    ("p3.area * p2.area", "area", "p3.area * p2.area"),
    ("sqrt(p3.fwhm**2 + 0.1)", "fwhm", "sqrt(p3.fwhm**2 + 0.1)"),
    ("x ray x 0.5", "area", "p4.area * 0.5"),
    ("O 1s: CO3 × 0.33", "area", "{o_1s/r1/p1.area} * 0.33"),
    ("1.1 eV above O 1s: CO3", "position", "{o_1s/r1/p1.position} + 1.1"),
    ("half of Cycled / O 1s: CO3", "area", "{o_1s/r1/p1.area} / 2"),
    ("", "area", ""),
])
def test_links(text, parameter, link):
    assert read(text, parameter, NAMES).link == link
    assert read(text, parameter, NAMES).foreign == ("{" in link)


@pytest.mark.parametrize(("text", "meaning"), [
    ("between 284 and 285", Constraint("", 284.0, 285.0)),
    ("between 284,5 and 285,5 eV", Constraint("", 284.5, 285.5)),
    ("zwischen 284,5 und 285,5", Constraint("", 284.5, 285.5)),
    ("284 to 285", Constraint("", 284.0, 285.0)),
    ("284 .. 285", Constraint("", 284.0, 285.0)),
    ("from 285 to 284", Constraint("", 284.0, 285.0)),
    ("at least 0.5", Constraint("", minimum=0.5)),
    (">= 0.5 eV", Constraint("", minimum=0.5)),
    ("at most 2", Constraint("", maximum=2.0)),
    ("≤ 2", Constraint("", maximum=2.0)),
    ("within 0.5 eV of 284", Constraint("", 283.5, 284.5)),
    ("284 ± 0.5", Constraint("", 283.5, 284.5)),
    ("100 ± 10 %", Constraint("", 90.0, 110.0)),
    ("fixed", Constraint("", held=True)),
    ("fest", Constraint("", held=True)),
    ("fixed at 284,8 eV", Constraint("", held=True, value=284.8)),
    ("free", Constraint("", held=False)),
])
def test_bounds_and_holds(text, meaning):
    assert read(text, "position", NAMES) == meaning


@pytest.mark.parametrize("text", [
    "same width as nobody", "CO3 +", "somewhere near CO3", "5", "between 284 and", "CO3 ± -1", "CO3 CO3",
    "__import__('os')", "p3.area if 1 else 2", "{c/r/p1.area", "within of CO3", "CO3; CO3", "CO3" * 60,
])
def test_what_is_not_understood_is_refused_with_examples(text):
    with pytest.raises(BadModel) as caught:
        read(text, "area", NAMES)
    assert "same width as" in caught.value.todo


def test_names_that_are_numbers_do_not_swallow_factors():
    assert read("CO3 * 2", "area", NAMES | {"2": "p9"}).link == "p3.area * 2"


def test_a_long_name_goes_before_a_short_one():
    names = {"CO": "p1", "CO3": "p2", "C": "p3"}
    assert read("CO3 + 1", "position", names).link == "p2.position + 1"
    assert read("CO + 1", "position", names).link == "p1.position + 1"


@pytest.mark.parametrize("text", ["\x000\x00", "fixed at 1e400", "between 1 and 1e999", "at most 1e400"])
def test_pasted_rubbish_is_one_clear_error(text):
    with pytest.raises(BadModel):
        read(text, "area", {"A": "p1"})
