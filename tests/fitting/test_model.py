"""The model as data: JSON, ids, links, removal, moving."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitting.identity import same
from fitting.model import Background, Component, FitModel, Param, from_json, to_dict
from libraries.errors import BadModel
from tests.fitting.problems import component, six_peaks


def pair(**links: str) -> FitModel:
    """Two peaks of which the second is linked and the minor line of the first."""
    first = component("p1", position=284.0, area=100.0)
    second = component("p2", position=290.0, area=50.0)
    tied = {n: Param(p.value, p.minimum, p.maximum, link=links.get(n, "")) for n, p in second.params}
    second = Component("p2", "minor", "gl_sum", tied, doublet="p1")
    return FitModel((280.0, 295.0), Background("none"), (first, second), "V 2p")


_NUMBERS = st.floats(-1e6, 1e6)
_TEXT = st.text(max_size=8)


@st.composite
def models(draw: st.DrawFn) -> FitModel:
    components = []
    for i in range(draw(st.integers(0, 3))):
        params = {}
        for name in ("area", "position", "fwhm"):
            low = draw(_NUMBERS | st.just(-math.inf))
            high = draw(st.just(math.inf) | st.floats(max(low, -1e6), 2e6))
            link = draw(st.sampled_from(["", f"p0.{name} * 2", f"p0.{name} +- 5 %"])) if i else ""
            params[name] = Param(draw(_NUMBERS), low, high, draw(st.booleans()), link)
        minor = "p0" if i and draw(st.booleans()) else ""
        components.append(Component(f"p{i}", draw(_TEXT), draw(_TEXT), params, draw(_TEXT), draw(_TEXT), "s", minor))
    low = draw(_NUMBERS)
    back = Background(draw(_TEXT), {"level": Param(draw(_NUMBERS))}, draw(st.integers(0, 9)), "trapezoid")
    return FitModel((low, low + draw(st.floats(0.1, 100.0))), back, tuple(components), draw(_TEXT))


@given(models())
def test_json_round_trip(model):
    back = from_json(model.to_json())
    assert same(back, model)
    assert back == model
    json.loads(model.to_json(), parse_constant=pytest.fail)  # JSON knows no infinity


BAD = [
    ("", "JSON"), ("[", "JSON"), ("[]", "form"), ("3", "form"), ("null", "form"), ("{}", "region"),
    ("[" * 5000, "JSON"),
    ('{"region": [1]}', "form"), ('{"region": [1, 1]}', "ends"), ('{"region": [NaN, 1]}', "ends"),
    ('{"region": [1, 2], "components": [{}]}', "id"), ('{"region": [1, 2], "background": 3}', "form"),
    ('{"region": [1, 2], "background": {"average": -1}}', "averaging"),
]  # fmt: skip
BAD_PARAMS = [
    ("{}", "value"), ('{"value": NaN}', "finite"), ('{"value": "1"}', "wrong kind"), ('{"value": true}', "wrong kind"),
    ("true", "value"), ("null", "value"), ('{"value": 1, "minimum": 2, "maximum": 1}', "bound"),
    ('{"value": 1, "vary": "no"}', "wrong kind"), ('{"value": 1, "link": 5}', "wrong kind"),
    ('{"value": 1, "minimum": null}', "wrong kind"), ('{"value": 1, "expr": "x"}', "no expr"),
    ('{"value": 1, "link": "p9.area"}', "does not exist"), ('{"value": 1, "link": "__import__(1)"}', "not understood"),
    ('{"value": 1, "link": "p1.area"}', "circle"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "words"), BAD)
def test_bad_json_says_what_is_wrong(text, words):
    with pytest.raises(BadModel, match=words):
        from_json(text)


@pytest.mark.parametrize(("text", "words"), BAD_PARAMS)
def test_bad_parameters_say_what_is_wrong(text, words):
    with pytest.raises(BadModel, match=words):
        from_json(f'{{"region": [1, 2], "components": [{{"id": "p1", "shape": "x", "params": {{"area": {text}}}}}]}}')


@pytest.mark.parametrize("id", ["", "1p", "p.1", "p 1", "background", "é", "p" * 40, "p1\n"])
def test_bad_ids(id):
    with pytest.raises(BadModel, match="id"):
        Component(id, "x", "gl_sum", {})


def test_ids_are_unique_and_fresh():
    with pytest.raises(BadModel, match="same id"):
        FitModel((1, 2), components=(component("p1"), component("p1")))
    model = FitModel((2, 1), components=(component("p1"), component("p3")))
    assert model.region == (1.0, 2.0)
    assert model.fresh_id() == "p2"


@pytest.mark.parametrize("minors", [{"p1": "p1"}, {"p1": "p9"}, {"p1": "p2", "p2": "p1"}, {"p2": "p1", "p3": "p2"}])
def test_a_minor_line_needs_a_major_line(minors):
    parts = (Component(id, "", "gl_sum", {}, doublet=minors.get(id, "")) for id in ("p1", "p2", "p3"))
    with pytest.raises(BadModel, match="minor line"):
        FitModel((1, 2), components=tuple(parts))


def test_without_frees_links_and_doublets():
    model = pair(area="p1.area / 2", fwhm="p1.fwhm")
    left = model.without("p1")
    assert [c.id for c in left.components] == ["p2"]
    assert left.component("p2").doublet == ""
    assert all(not p.link and p.free for p in left.params.values())
    assert left.params["p2.area"].value == 50.0
    assert model.without("p2").params["p1.area"] == model.params["p1.area"]
    with pytest.raises(BadModel, match="no component"):
        model.without("p9")


def test_moved_carries_region_positions_and_bounds():
    model = six_peaks().moved(1.5)
    assert model.region == (281.5, 296.5)
    assert model.params["p1.position"].value == 286.0
    assert model.params["p1.area"] == six_peaks().params["p1.area"]
    assert Param(1.0, 0.0, math.inf).moved(2.0) == Param(3.0, 2.0, math.inf)


def test_with_params_and_values():
    model = six_peaks()
    changed = model.with_values({"p1.area": 5.0, "background.level": 7.0})
    assert (changed.params["p1.area"].value, changed.params["background.level"].value) == (5.0, 7.0)
    assert changed.params["p1.area"].minimum == 0.0
    for name in ("p9.area", "p1.height", "area", "background.nothing"):
        with pytest.raises(BadModel, match="no parameter"):
            model.with_params({name: Param(1.0)})
    with pytest.raises(BadModel, match="no parameter"):
        model.component("p1").param("height")
    assert model.with_component(component("p1", area=3.0)).params["p1.area"].value == 3.0
    assert len(model.with_component(component("p9")).components) == 7


def test_dict_holds_only_plain_values():
    assert json.loads(json.dumps(to_dict(six_peaks()), allow_nan=False)) == to_dict(six_peaks())
