"""Equality and hashes: the same hash if, and only if, the same content."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitting.identity import content_hash, same

NAN = float("nan")


@dataclass(frozen=True, eq=False)
class Thing:
    x: object
    y: object = None
    seconds: float = field(default=0.0, metadata={"identity": False})


@dataclass(frozen=True, eq=False)
class Other:
    x: object
    y: object = None


A = np.array
CASES = [
    (1.0, 1, True), (1.0, np.float64(1.0), True), (0.0, -0.0, True), (NAN, NAN, True), (NAN, 1.0, False),
    (True, 1, False), (True, True, True), (None, 0, False), ("1", 1, False), (2**53, 2**53 + 1, False),
    (10**400, 10**400, True), ((1, 2), [1, 2], False), ((1, 2), (1, 2.0), True), ((1,), (1, 1), False),
    ((1.0, 12.0), (1.01, 2.0), False), (("a", "b"), ("ab",), False), (((1,), 2), ((1, 2),), False),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True), ({"a": 1}, {"a": 2}, False), ({"a": 1}, {"b": 1}, False),
    (A([1.0, NAN]), A([1.0, NAN]), True), (A([1.0, NAN]), A([1.0, -NAN]), True), (A([0.0]), A([-0.0]), False),
    (A([1.0]), A([1]), False), (A([1.0]), A([1.0], np.float32), False), (A([1, 2]), A([[1, 2]]), False),
    (A([1, 2, 3, 4])[::2], A([1, 3]), True), (A([1.0]), (1.0,), False), (A([1.0]), None, False),
    (Thing(1), Thing(1), True), (Thing(1), Other(1), False), (Thing(1, seconds=1.0), Thing(1, seconds=2.0), True),
    (Thing((A([NAN]), {"k": Thing(2)})), Thing((A([NAN]), {"k": Thing(2)})), True), (Thing(1, 2), Thing(2, 1), False),
]  # fmt: skip


@pytest.mark.parametrize(("a", "b", "equal"), CASES)
def test_same_and_hash_agree(a, b, equal):
    assert same(a, b) is equal
    assert same(b, a) is equal
    assert (content_hash(a) == content_hash(b)) is equal


_LEAF = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
_VALUES = st.recursive(
    _LEAF, lambda v: st.lists(v, max_size=3) | st.lists(v, max_size=3).map(tuple) | v.map(Thing), max_leaves=6
)


@given(_VALUES, _VALUES)
def test_hash_is_equal_if_and_only_if_the_same(a, b):
    assert same(a, a)
    assert content_hash(a) == content_hash(a)
    assert same(a, b) == same(b, a) == (content_hash(a) == content_hash(b))


def test_several_values_do_not_run_together():
    assert content_hash(1.0, 12.0) != content_hash(1.01, 2.0)
    assert content_hash("a", "b") != content_hash("ab")
    assert content_hash() != content_hash(())


def test_a_field_at_its_default_leaves_the_hash_of_older_versions():
    @dataclass(frozen=True)
    class Before:
        value: float
        name: str = ""

    def widened():
        @dataclass(frozen=True)
        class Before:
            value: float
            name: str = ""
            extra: tuple[int, ...] = ()
            more: list[int] = field(default_factory=list)

        return Before

    after = widened()
    assert content_hash(Before(2.0, "a")) == content_hash(after(2.0, "a"))
    assert content_hash(Before(2.0)) == content_hash(after(2.0))
    assert content_hash(after(2.0, extra=(1,))) != content_hash(after(2.0))
    assert content_hash(after(2.0, more=[1])) != content_hash(after(2.0))
