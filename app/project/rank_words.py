"""Whether an analysis has more factors than any test of their number gives."""

from __future__ import annotations

from collections.abc import Iterable

SURPLUS = 3  # factors above the highest test; tests differ by one or two as it is


def rank_words(number: int, tests: Iterable[tuple[str, str]]) -> str:
    """ "The rank tests give 3 to 5: with 15 factors some are split or noise." or "".

    Parameters
    ----------
    number : int
        Of factors.
    tests : iterable of (test, answer)
        Answers that are no number, as "not determined", count for nothing.
    """
    told = [int(answer) for _, answer in tests if answer.isdecimal()]
    if not told or number - max(told) < SURPLUS:
        return ""
    low, high = min(told), max(told)
    return (f"The rank tests give {low}{f' to {high}' if high > low else ''}: with {number} factors some are split or "
            "noise.")
