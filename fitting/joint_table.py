"""The parameters of several models as one table, with links inside models and ties between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from fitting.dataset import FloatArray
from fitting.evaluate import Parameters
from fitting.joint_links import Place, checked, place, rewritten
from fitting.model import FitModel, Param
from libraries.errors import BadModel


@dataclass(frozen=True)
class _Together:
    """What `Parameters` asks of a model: its parameters by full name."""

    params: dict[str, Param]


@dataclass(frozen=True, eq=False)
class Table:
    """Parameters of several models.

    Attributes
    ----------
    names, free : tuple of str
        All parameters, and those that a fit changes: "key/component.parameter".
    slices : tuple of slice
        Where each model's parameters stand, in the model's own order.
    """

    names: tuple[str, ...]
    free: tuple[str, ...]
    slices: tuple[slice, ...]
    _parameters: Parameters
    _together: _Together

    def start(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Start values and bounds of the free numbers (see `Parameters.start`)."""
        return self._parameters.start(cast(FitModel, self._together))

    def expand(self, free: FloatArray) -> tuple[FloatArray, FloatArray]:
        """All values (k,) from the free ones, and their derivatives (k, f)."""
        return self._parameters.expand(free)


def tabulated(models: Sequence[tuple[str, FitModel]], ties: Mapping[str, str]) -> Table:
    """One table of the parameters of several models.

    Parameters
    ----------
    models : sequence of (key, model)
        Keys are unique.
    ties : mapping
        "key/component.parameter" to its formula.

    Raises
    ------
    BadModel
        If keys repeat, or a tie is not understood, names what does not exist, or runs in a circle.
    """
    prefixes = {key: f"r{i}_" for i, (key, _) in enumerate(models)}
    if len(prefixes) != len(models):
        raise BadModel("Two regions of a joint fit have the same name", where=", ".join(key for key, _ in models))
    params: dict[str, Param] = {}
    names: list[str] = []
    slices = []
    for key, model in models:
        first, prefix = len(names), prefixes[key]
        for name, param in model.params.items():
            link = rewritten(param.link, lambda id, p=prefix: p + id, _no_region) if param.link else ""
            params[prefix + name] = replace(param, link=link) if link else param
            names.append(f"{key}/{name}")
        slices.append(slice(first, len(names)))
    for target, formula in ties.items():
        _tie(params, prefixes, target, formula)
    together = _Together(params)
    spoken = dict(zip(params, names, strict=True))
    try:
        parameters = Parameters(cast(FitModel, together))
    except BadModel as error:
        if "circle" not in error.what:
            raise
        raise BadModel("Ties and links run in a circle", where=_in_words(str(error.where or ""), spoken),
                       todo="Let one of these parameters free") from None
    return Table(tuple(names), tuple(spoken[name] for name in parameters.free), tuple(slices), parameters, together)


def _no_region(there: Place) -> str:
    raise BadModel("A link inside a region cannot name another one", where=str(there), todo="Make it a tie")


def _tie(params: dict[str, Param], prefixes: Mapping[str, str], target: str, formula: str) -> None:
    """Give the target its formula in the names of the table."""
    home = place(target)
    checked(formula, target)

    def found(there: Place) -> str:
        if there.key not in prefixes:
            raise BadModel(f"The tie of {target} names a region that is not fitted with it", where=there.key,
                           todo="Fit both regions together")
        name = prefixes[there.key] + there.name
        if name not in params:
            raise BadModel(f"The tie of {target} names {there.name}, which does not exist", where=there.key)
        return name

    full = found(home)
    link = rewritten(formula, lambda id: prefixes[home.key] + id, found)
    missing = [name for name in checked(formula, target).names if not name.startswith("other")
               and prefixes[home.key] + name not in params]
    if missing:
        raise BadModel(f"The tie of {target} names {missing[0]}, which does not exist", where=home.key)
    params[full] = replace(params[full], link=link)


def _in_words(text: str, spoken: Mapping[str, str]) -> str:
    return ", ".join(spoken.get(part, part) for part in text.split(", "))
