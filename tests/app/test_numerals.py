"""Numbers as people read them."""

from __future__ import annotations

import math

import pytest

from app import numerals


@pytest.mark.parametrize(("value", "error", "shown"), [
    (284.5234, 0.0132, "284.523 ± 0.013"), (284.5234, 0.0996, "284.52 ± 0.10"), (20144.3, 95.2, "20\u202f140 ± 100"),
    (20144.3, 1234.0, "20\u202f100 ± 1\u202f200"), (33.61, 0.24, "33.61 ± 0.24"), (-0.42, 0.05, "−0.42 ± 0.05"),
    (1.3, math.nan, "1.3 ± ?"), (math.nan, 1.0, "not determined"), (1.3, None, "1.3"), (1.3, 0, "1.3"),
])
def test_errors_have_one_or_two_figures(value, error, shown):
    assert numerals.with_error(value, error) == shown


def test_value_without_error_has_the_decimals_asked_for():
    assert numerals.with_error(1.3, None, 2) == "1.30"
    assert numerals.with_error(1.3, math.nan, 2) == "1.30 ± ?"


@pytest.mark.parametrize(("value", "decimals", "shown"), [
    (1234567.0, 0, "1\u202f234\u202f567"), (-0.001, 2, "0.00"), (-1.5, 1, "−1.5"), (1249.0, -2, "1\u202f200"),
])
def test_grouped(value, decimals, shown):
    assert numerals.grouped(value, decimals) == shown


def test_limits_and_intervals():
    assert numerals.limit_or_amount(1.0, 0.2, 1.4, determined=False) == "< 1.4"
    assert numerals.limit_or_amount(12.34, 0.2, 13.0, determined=True) == "12.34 ± 0.20"
    assert numerals.interval(49.24, 49.83) == "49.24 – 49.83"
    assert numerals.interval(math.nan, 1.0) == ""
