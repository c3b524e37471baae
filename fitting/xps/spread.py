"""Model spread: how far at.% move when reasonable choices of the analyst are made otherwise.

Each region is fitted again with a declared set of alternatives; the range of every amount over all combinations of
them is given. It is no standard error and is never added to one: nobody knows how likely each choice is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq

from fitting import guess
from fitting.backgrounds import KINDS
from fitting.backgrounds import kind as background_kind
from fitting.bootstrap import Cancel, Progress
from fitting.dataset import FloatArray, Spectrum
from fitting.engine import fit
from fitting.model import Component, FitModel, Param
from fitting.xps.areas import joined, total_areas
from fitting.xps.quantify import amounts_per_area, quantify
from fitting.xps.region_areas import REGION, net_area
from fitting.xps.study import Range, Study, fingerprint, members_of
from fitting.xps.uncertainty import Piece
from libraries.errors import BadModel, Cancelled, SodaliteError

GROUPS = ("background", "ends", "shape")
# What analysts use for one and the same line; a region keeps its own beside these.
FITTED_BACKGROUNDS = ("shirley_active", "tougaard_active", "shirley")
# By how much the ends of a region are moved: a twentieth of its width, at most 1 eV (chosen).
END_SHARE, END_MOST = 0.05, 1.0
_SYMMETRIC = ("gl_sum", "gl_product", "voigt")
AS_IT_IS = "as it is"
_GAUSS = math.sqrt(math.pi / (4 * math.log(2)))  # area of a Gaussian of unit height and width


@dataclass(frozen=True, eq=False)
class Alternative:
    """A region with one choice made otherwise.

    Attributes
    ----------
    group : str
        One of `GROUPS`, or "" for the model as it is.
    label : str
        For people: "static Shirley", "region 0.8 eV wider".
    model : FitModel
    """

    group: str
    label: str
    model: FitModel


@dataclass(frozen=True, eq=False)
class Outcome:
    """Areas of a region under one alternative, and reduced chi2 (NaN without a fit or without known noise)."""

    label: str
    areas: FloatArray
    reduced_chi2: float


def alternatives(piece: Piece, groups: Sequence[str] = GROUPS) -> tuple[list[Alternative], list[str]]:
    """The alternatives of a region, and why some do not apply.

    Raises
    ------
    BadModel
        If a group is none of `GROUPS`.
    """
    wrong = [group for group in groups if group not in GROUPS]
    if wrong:
        raise BadModel(f"There are no alternatives of kind '{wrong[0]}'", todo=f"Use {', '.join(GROUPS)}")
    found: list[Alternative] = []
    missing: list[str] = []
    makers: dict[str, Callable[[Piece], list[tuple[str, Callable[[], FitModel]]]]] = {
        "background": _backgrounds, "ends": _ends, "shape": _shapes,
    }
    for group in groups:
        for label, make in makers[group](piece):
            try:
                found.append(Alternative(group, label, make()))
            except SodaliteError as error:
                missing.append(f"{piece.title}, {label}: not tried, {error.what[0].lower()}{error.what[1:]}")
    return found, missing


def _backgrounds(piece: Piece) -> list[tuple[str, Callable[[], FitModel]]]:
    fitted = piece.result is not None
    kinds = FITTED_BACKGROUNDS if fitted else tuple(k for k in ("shirley", "linear") if k in KINDS)
    return [
        (background_kind(kind).title, lambda kind=kind: guess.change_background(piece.spectrum, piece.model, kind))
        for kind in kinds if kind != piece.model.background.kind
    ]


def _ends(piece: Piece) -> list[tuple[str, Callable[[], FitModel]]]:
    low, high = piece.model.region
    by = min(END_MOST, END_SHARE * (high - low))
    return [
        (f"region {by:.2g} eV narrower at both ends", lambda: _resized(piece, by)),
        (f"region {by:.2g} eV wider at both ends", lambda: _resized(piece, -by)),
    ]


def _resized(piece: Piece, by: float) -> FitModel:
    low, high = piece.model.region
    first, last = float(piece.spectrum.x[0]), float(piece.spectrum.x[-1])
    step = piece.spectrum.axis.step
    if by < 0 and (low <= first + step or high >= last - step):
        raise BadModel("the spectrum ends there")
    new = (max(low + by, first), min(high - by, last))
    for component in piece.model.components:
        place = component.value("position")
        if by > 0 and low <= place <= high and not new[0] + by <= place <= new[1] - by:
            raise BadModel(f"{component.name or component.id} would stand at its end")
    return replace(piece.model, region=new)


def _shapes(piece: Piece) -> list[tuple[str, Callable[[], FitModel]]]:
    if piece.result is None:
        return []
    used = {c.shape for c in piece.model.components if c.shape in _SYMMETRIC}
    makers = []
    for title, target in (("GL sum", "gl_sum"), ("GL product", "gl_product"), ("Voigt", "voigt")):
        if used and used != {target}:
            makers.append((f"{title} lines", lambda target=target: with_shape(piece.model, target)))
    return makers


def with_shape(model: FitModel, target: str) -> FitModel:
    """The model with all its symmetric lines (GL sum, GL product, Voigt) of one shape.

    Width and Lorentzian part go over as starting values: the full width of a Voigt line by J. J. Olivero,
    R. L. Longbothum, J. Quant. Spectrosc. Radiat. Transfer 17, 233 (1977), the share of its Lorentzian width by
    P. Thompson, D. E. Cox, J. B. Hastings, J. Appl. Cryst. 20, 79 (1987). The mixing is fitted, one for all lines.

    Raises
    ------
    BadModel
        If a link hangs on a parameter that the other shape does not have.
    """
    changed = {c.id for c in model.components if c.shape in _SYMMETRIC and c.shape != target}
    voigt = target == "voigt"
    old, new = ("fwhm", "fwhm_g") if voigt else ("fwhm_g", "fwhm")
    turned = {c.id for c in model.components if c.id in changed and (voigt or c.shape == "voigt")}
    lost = "mix" if voigt else "fwhm_l"
    pattern = re.compile(rf"\b({'|'.join(map(re.escape, sorted(turned)))})\.(\w+)") if turned else None

    def relinked(param: Param) -> Param:
        if not param.link or pattern is None:
            return param
        if any(found[2] == lost for found in pattern.finditer(param.link)):
            raise BadModel("a link hangs on the mixing or the Lorentzian width")
        return replace(param, link=pattern.sub(
            lambda found: f"{found[1]}.{new}" if found[2] == old else found[0], param.link))

    first = next((c.id for c in model.components if c.id in changed), "")

    def shaped(component: Component) -> Component:
        if component.id not in changed:
            return replace(component, params=tuple((name, relinked(param)) for name, param in component.params))
        params = {name: relinked(param) for name, param in component.params if name not in ("mix", "fwhm_l")}
        share = _share(component)
        if voigt:
            new_params = _to_voigt(params, share)
        elif component.shape == "voigt":
            new_params = _to_gl(params, component.value("fwhm_l"), share)
        else:
            new_params = params | {"mix": Param(component.value("mix"), 0.0, 1.0)}
        mixing = "fwhm_l" if voigt else "mix"
        if component.id != first:
            link = f"{first}.mix" if not voigt else f"{component.id}.fwhm_g * {first}.fwhm_l / {first}.fwhm_g"
            new_params[mixing] = replace(new_params[mixing], link=link)
        return replace(component, shape=target, params=tuple(new_params.items()))

    return replace(model, components=tuple(map(shaped, model.components)))


def _share(component: Component) -> float:
    """Lorentzian width of a symmetric line over its full width."""
    if component.shape == "voigt":
        lorentz, gauss = component.value("fwhm_l"), component.value("fwhm_g")
        return lorentz / (0.5346 * lorentz + math.sqrt(0.2166 * lorentz**2 + gauss**2))
    m = component.value("mix")
    # Share of the area that is Lorentzian; a sum weighs heights. A product is taken for a sum: it is but a start.
    eta = m * math.pi / 2 / ((1 - m) * _GAUSS + m * math.pi / 2)
    return float(brentq(lambda s: _eta(s) - min(max(eta, 0.02), 0.98), 0.0, 1.0))


def _to_voigt(params: dict[str, Param], share: float) -> dict[str, Param]:
    width = params["fwhm"]
    gauss = math.sqrt(max((1.0 - 0.5346 * share) ** 2 - 0.2166 * share**2, 1e-4))
    value = max(width.value * gauss, 1e-3)
    core = Param(value, min(0.05, value), max(width.maximum, value), width.vary, width.link)
    tail = Param(max(share * width.value, 2e-3), 1e-3, max(6.0, share * width.value))
    return {"area": params["area"], "position": params["position"], "fwhm_g": core, "fwhm_l": tail}


def _to_gl(params: dict[str, Param], lorentz: float, share: float) -> dict[str, Param]:
    gauss = params["fwhm_g"]
    full = 0.5346 * lorentz + math.sqrt(0.2166 * lorentz**2 + gauss.value**2)
    eta = min(_eta(share), 1.0)
    height = eta * _GAUSS
    mix = height / (height + (1 - eta) * math.pi / 2)
    width = Param(full, min(gauss.minimum, full), max(gauss.maximum, full), gauss.vary, gauss.link)
    return {"area": params["area"], "position": params["position"], "fwhm": width, "mix": Param(mix, 0.0, 1.0)}


def _eta(share: float) -> float:
    return 1.36603 * share - 0.47719 * share**2 + 0.11116 * share**3


def model_spread(
    pieces: Sequence[Piece],
    material: str = "",
    *,
    groups: Sequence[str] = GROUPS,
    at: float | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Study:
    """Range of at.% over all combinations of the regions' alternatives.

    Parameters
    ----------
    pieces : sequence of Piece
    material : str
        As in `fitting.xps.quantify.quantify`.
    groups : sequence of str
        Which choices are made otherwise, of `GROUPS`; one at a time in each region.
    at : float, optional
        Level of a series, kept in the study.
    progress, cancel : callable, optional

    Returns
    -------
    Study
        Its ranges name the alternatives that give the smallest and the largest value.

    Raises
    ------
    Cancelled, BadModel, NotDetermined
    """
    areas = joined([piece.areas for piece in pieces])
    table = quantify(areas, material)
    weights = amounts_per_area(areas, material)
    tried = [alternatives(piece, groups) for piece in pieces]
    total = sum(len(found) for found, _ in tried)
    notes = [text for _, missing in tried for text in missing]
    outcomes: list[list[Outcome]] = []
    done = failed = 0
    for piece, (found, _) in zip(pieces, tried, strict=True):
        chi = piece.result.reduced_chi2 if piece.result is not None and piece.result.noise.known else math.nan
        rows = [Outcome(AS_IT_IS, np.array([line.area for line in piece.areas.lines]), chi)]
        for alternative in found:
            if cancel is not None and cancel():
                raise Cancelled("The model spread was stopped", where=piece.title)
            if progress is not None:
                progress(done / max(total, 1), f"{piece.title}: {alternative.label}")
            done += 1
            outcome, reason = _outcome(piece, alternative, cancel)
            if outcome is None:
                failed += 1
                notes.append(f"{piece.title}, {alternative.label}: left out, {reason}")
            else:
                rows.append(outcome)
        outcomes.append(rows)
    notes += _told(pieces, outcomes)
    return Study("model spread", at, fingerprint(table), total, failed, 0,
                 _ranges(members_of(table), [r.at_percent for r in table.rows], pieces, outcomes, weights),
                 tuple(notes))


def _outcome(piece: Piece, alternative: Alternative, cancel: Cancel | None) -> tuple[Outcome | None, str]:
    spectrum: Spectrum = piece.spectrum
    try:
        if piece.result is None:
            return Outcome(alternative.label, np.array([net_area(spectrum, alternative.model)]), math.nan), ""
        result = fit(spectrum, alternative.model, cancel=cancel)
        if result.status == "cancelled":
            raise Cancelled("The model spread was stopped", where=piece.title)
        if not result.success:
            return None, "its fit reached no minimum"
        areas = (np.array([net_area(spectrum, result.model)]) if piece.kind == REGION
                 else total_areas(spectrum, result.model))
    except Cancelled:
        raise
    except SodaliteError as error:
        return None, f"{error.what[0].lower()}{error.what[1:]}"
    return Outcome(alternative.label, areas, result.reduced_chi2 if result.noise.known else math.nan), ""


def _told(pieces: Sequence[Piece], outcomes: Sequence[Sequence[Outcome]]) -> list[str]:
    """What was tried in each region, with reduced chi2 where the noise is known."""
    told = []
    for piece, rows in zip(pieces, outcomes, strict=True):
        parts = [
            row.label + (f" (χ²ᵣ {row.reduced_chi2:.3g})" if math.isfinite(row.reduced_chi2) else "") for row in rows
        ]
        told.append(f"{piece.title}: {'; '.join(parts)}")
    return told


def _ranges(
    members: dict[str, list[int]], values: Sequence[float], pieces: Sequence[Piece],
    outcomes: Sequence[Sequence[Outcome]], weights: FloatArray,
) -> tuple[Range, ...]:
    firsts = np.cumsum([0, *(len(piece.areas.lines) for piece in pieces)])
    amounts = [
        np.array([row.areas for row in rows]) * weights[first : first + len(rows[0].areas)]
        for rows, first in zip(outcomes, firsts, strict=False)
    ]
    table = []
    for key, rows in members.items():
        # One line a region and alternative: the part that counts for this quantity, and all of the region.
        parts = [
            (a[:, [i - first for i in rows if first <= i < first + a.shape[1]]].sum(axis=1), a.sum(axis=1))
            for a, first in zip(amounts, firsts, strict=False)
        ]
        (low, low_by), (high, high_by) = _extreme(parts, -1.0), _extreme(parts, 1.0)
        own = [n for n, (part, _) in enumerate(parts) if np.any(part != 0)]
        words = [", ".join(f"{pieces[n].title} {outcomes[n][by[n]].label}" for n in own) for by in (low_by, high_by)]
        value = float(sum(values[i] for i in rows))
        table.append(Range(key, value, math.nan, 100.0 * low, 100.0 * high, f"lowest: {words[0]}; highest: {words[1]}"))
    return tuple(table)


def _extreme(parts: Sequence[tuple[FloatArray, FloatArray]], sign: float) -> tuple[float, list[int]]:
    """Largest (sign +1) or smallest (-1) ratio sum a / sum b, one alternative of each region chosen freely.

    W. Dinkelbach, Manage. Sci. 13, 492 (1967): the ratio r is best where the best of sum (a - r b) is zero.
    """
    chosen = [0] * len(parts)
    ratio = _ratio(parts, chosen)
    for _ in range(50):
        better = [int(np.argmax(sign * (a - ratio * b))) for a, b in parts]
        found = _ratio(parts, better)
        if not sign * (found - ratio) > 1e-12:
            break
        chosen, ratio = better, found
    return ratio, chosen


def _ratio(parts: Sequence[tuple[FloatArray, FloatArray]], chosen: Sequence[int]) -> float:
    over = sum(float(a[i]) for (a, _), i in zip(parts, chosen, strict=True))
    under = sum(float(b[i]) for (_, b), i in zip(parts, chosen, strict=True))
    return over / under if under > 0 else math.nan
