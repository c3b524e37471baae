"""Depth scale, interfaces and layers of an entry: worked out from the project alone, and the same every time.

Nothing of it is stored: the project keeps what the analyst said (scale, ranges, responses, markers), and numbers follow
from that and the data. Ranges are kept in the profile's own time (or scan), so that another depth scale never changes
which points belong to an interface.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from app.numerals import grouped
from app.project.project import Entry
from app.project.sims_profiles_at import profile_at, trace_values, trace_words
from fitting.dataset import AXIS_LABELS, Axis, FloatArray, Spectrum
from fitting.factors.kept import KeptFactors
from fitting.factors.mcr import closure
from fitting.sims.depth import DepthResult, clock_of, depth_of
from fitting.sims.factor_traces import is_factor
from fitting.sims.interface import InterfaceFit, crossing, fit_interface
from fitting.sims.layer_fit import LayerFit, fit_layer
from fitting.sims.layers import Layers, layers_of
from fitting.sims.setup import DepthScale, Interface, LayerSetup
from fitting.tape import Cancel, Progress
from libraries.errors import BadData, Cancelled, NotDetermined, SodaliteError, UnknownName

POOR = 2.0  # reduced chi2 from which a response does not describe the counts; errors then grow by 1.4; ours
_AT_BOUND, _SINGULAR, _LIMIT = ("A length is not determined: it lies at its limit",
                                "The points cannot tell the lengths apart", "The fit did not settle")
_MISSES = "The response does not follow the trace"
_OFF = 0.1  # root mean square of the residuals over the span of the trace, from which that is said; ours
_ALIKE = 1.0  # Durbin-Watson number, about 2 for noise, below which residuals are structure; ours
_SUM = 0.1  # scatter of the sum of shares about one, from which the traces are not everything; ours
_SHORT = {_MISSES: "poor", _AT_BOUND: "at its limit", _SINGULAR: "not unique", _LIMIT: "not settled"}
FACTORS_OF_ALL = "Factors, and what is told from them, are those of all pixels"
RESPONSES = {"crossing": "16–84 %", "erf": "Error function", "mri": "MRI", "dowsett": "Dowsett"}


@dataclass(frozen=True, eq=False)
class Evaluated:
    """An interface with its numbers.

    Attributes
    ----------
    interface : Interface
    label : str
        Its trace in words.
    quantity, unit : str
        Of all numbers: "depth", "nm" where there is a depth scale.
    position, position_error : float
        Of a layer: of its top.
    own_error : float
        Of the position, without that of the depth scale.
    width, width_error : float
        16-84 % width. Of a layer: its thickness.
    chi2 : float
        Deviance over degrees of freedom where the noise is known, else NaN.
    factor : float
        By which errors were multiplied: the root of chi2 where that is more than counting noise makes it, else 1.
    status : str
        "" for a good fit, else what is wrong with it.
    lengths : tuple of (name, value, error)
        Of the response; an error of 0 for held ones.
    part : slice
        Points of the profile that were used.
    curve : array, shape (points of the part,)
        The fitted profile at these points, in counts.
    failed : str
        Why there are no numbers; "" where there are.
    """

    interface: Interface
    label: str
    quantity: str = ""
    unit: str = ""
    position: float = math.nan
    position_error: float = math.nan
    own_error: float = math.nan
    width: float = math.nan
    width_error: float = math.nan
    chi2: float = math.nan
    factor: float = 1.0
    status: str = ""
    lengths: tuple[tuple[str, float, float], ...] = ()
    part: slice = field(default_factory=lambda: slice(0, 0))
    curve: FloatArray | None = None
    failed: str = ""

    @property
    def poor(self) -> str:
        """In a word or two why the numbers are no result; "" for a fit that describes the counts."""
        if self.failed or not self.status:
            return ""
        if self.chi2 > POOR:
            return f"poor, {grouped(self.chi2, 0 if self.chi2 >= 10 else 1)}"
        return next((short for words, short in _SHORT.items() if self.status.startswith(words)), "")


@dataclass(frozen=True, eq=False)
class DepthAnswer:
    """Everything that the Depth and Layers pages show of an entry.

    Attributes
    ----------
    basis : tuple
        Profile of shape (points, ions), depth scale, sources of layers and factor analyses that it was worked out from.
    depth : DepthResult or None
    depth_failed : str
        Why the depth scale cannot be used; "" where it can or none was given.
    interfaces : tuple of Evaluated
    layers : Layers or None
    layers_failed : str
    note : str
        What must be known of all of it; "" for nothing.
    """

    basis: tuple[Spectrum, DepthScale, LayerSetup, tuple[KeptFactors, ...]]
    depth: DepthResult | None
    depth_failed: str
    interfaces: tuple[Evaluated, ...]
    layers: Layers | None
    layers_failed: str
    note: str = ""

    @property
    def profile(self) -> Spectrum:
        """Along which everything was worked out."""
        return self.basis[0]

    @property
    def along(self) -> Axis:
        """Depth where there is a scale, else the profile's clock."""
        return Axis(self.depth.depth, "depth", "nm") if self.depth is not None else clock_of(self.profile)

    @property
    def poor_layers(self) -> str:
        """That more is sputtered than the traces of the layers tell; "" where they tell of everything."""
        if self.layers is None or self.layers.misfit <= _SUM:
            return ""
        return ("These traces are not everything that is sputtered: their shares miss a sum of 1 by "
                f"{100 * self.layers.misfit:.0f} %")


# -- depth ----------------------------------------------------------------------------------------------------------


def shares_of(entry: Entry, id: str) -> tuple[tuple[str, ...], FloatArray]:
    """Names of the factors of an analysis and their shares along the depth, shape (points, k), not yet of sum one.

    With the closure of the analysis where it was found with one, else closed here.

    Raises
    ------
    UnknownName, NotDetermined
        If there is none along the depth, or it obeys no closure.
    """
    about = _analysis(entry, id)
    if about.closed:
        return about.names, (about.amounts / about.yields[:, None]).T
    return about.names, closure(np.maximum(about.amounts, 0.0).T)[0]


def _analysis(entry: Entry, id: str) -> KeptFactors:
    for about in entry.factors:
        if about.id == id:
            if not about.amounts.size or about.method == "pca":
                raise NotDetermined(f"{about.title} has no amounts along the depth", where=entry.title,
                                    todo="Find factors by MCR or NMF")
            return about
    raise UnknownName("The factor analysis that the phases came from is gone", where=entry.title,
                      todo="Choose another one")


def depth_along(entry: Entry, profile: Spectrum | None = None) -> DepthResult | None:
    """Depths of the points of the processed profile or of the scans of the cube; None where no scale is given.

    Of phases the first rate is that of the first factor, and so on: names may have changed since.

    Raises
    ------
    SodaliteError
        If the scale cannot be used; the message says why.
    """
    scale = entry.depth
    if scale.kind == "none":
        return None
    # The crater was measured after the last point of the file, whatever a step of the recipe cut off.
    end = float(clock_of(entry.spectrum).values[-1])
    shares = None
    if scale.kind == "phases":
        shares = shares_of(entry, scale.factors)[1]
    return depth_of(entry.processed() if profile is None else profile, scale, shares, end=end)


# -- interfaces -----------------------------------------------------------------------------------------------------


def evaluate(entry: Entry, interface: Interface, profile: Spectrum, depth: DepthResult | None,
             cancel: Cancel | None = None) -> Evaluated:
    """Work out one interface; what goes wrong stands in the answer."""
    label = trace_words(entry, interface.trace)
    try:
        return _evaluated(entry, interface, profile, depth, label, cancel)
    except Cancelled:
        raise
    except SodaliteError as error:
        return Evaluated(interface, label, failed=str(error))


def _evaluated(entry: Entry, interface: Interface, profile: Spectrum, depth: DepthResult | None, label: str,
               cancel: Cancel | None) -> Evaluated:
    values, errors, noise = trace_values(entry, profile, interface.trace)
    clock = next((a for a in (*profile.navigation[:1], *profile.scales) if a.quantity == interface.scale), None)
    if clock is None:
        raise BadData(f"The profile has no {AXIS_LABELS.get(interface.scale, interface.scale).lower()} axis",
                      where=profile.name, todo="Draw the range again")
    part = clock.window(interface.low, interface.high)
    along = Axis(depth.depth, "depth", "nm") if depth is not None else clock
    z, y = along.values[part], values[part]
    # Counts are weighed by their noise; amounts of factors by the errors that the factor analysis gave them.
    weights = errors[part] if not noise.known and np.all(errors[part] > 0) else None
    held = dict(interface.held)
    if interface.shape == "layer":
        if interface.response == "crossing":
            raise BadData("A layer needs a response to be fitted", todo="Choose error function, MRI or Dowsett")
        fit = fit_layer(z, y, interface.response, noise, errors=weights, held=held, cancel=cancel)
        numbers = (fit.value("top"), fit.error("top"), fit.thickness, fit.thickness_error)
    elif interface.response == "crossing":
        found = crossing(z, y, noise)
        numbers = (found.position, found.position_error, found.width, found.width_error)
        return Evaluated(interface, label, along.quantity, along.unit, *_with_scale(numbers, depth, False), part=part)
    else:
        fit = fit_interface(z, y, interface.response, noise, errors=weights, held=held, cancel=cancel)
        numbers = (fit.value("position"), fit.error("position"), fit.width, fit.width_error)
    if fit.status == "cancelled":
        raise Cancelled
    chi2, factor, status = fit.reduced_chi2 if noise.known else math.nan, 1.0, _words_of(fit)
    free = len(fit.names) - len(fit.held)
    if chi2 > 1.0 + 3.0 * math.sqrt(2.0 / max(z.size - free, 1)):
        factor = math.sqrt(chi2)
        told = f"The response misses structure in the counts: errors are multiplied by {factor:.2f} (√χ²ᵣ)"
        status = f"{status}. {told}" if status else told
    if not noise.known and (off := _structure(y, fit.curve(z))) > _OFF:
        status = f"{_MISSES}: it is off by {100 * off:.0f} % of its span, and not by scatter"
    numbers = (numbers[0], factor * numbers[1], numbers[2], factor * numbers[3])
    lengths = tuple((name, value, factor * error) for name, value, error in _lengths(fit))
    return Evaluated(
        interface, label, along.quantity, along.unit, *_with_scale(numbers, depth, interface.shape == "layer"), chi2,
        factor, status, lengths, part, fit.curve(z),
    )  # fmt: skip


def _structure(y: FloatArray, curve: FloatArray) -> float:
    """Residuals over the span of a trace whose noise is not known; 0 where they may be its scatter."""
    off, span = y - curve, float(np.ptp(y))
    squares = float(np.sum(off**2))
    if not span > 0 or float(np.sum(np.diff(off) ** 2)) >= _ALIKE * squares:
        return 0.0
    return math.sqrt(squares / off.size) / span


def _with_scale(numbers: tuple[float, float, float, float], depth: DepthResult | None,
                layer: bool) -> tuple[float, float, float, float, float]:
    """Position, its error with that of the depth scale, its own, width and its error."""
    place, error, width, width_error = numbers
    if depth is None or not depth.stated:
        return place, error, error, width, width_error
    ends = (place, place + width) if layer else (place - width / 2, place + width / 2)
    whole = math.hypot(error, depth.error_at(place))
    return place, whole, error, width, math.hypot(width_error, depth.error_between(*ends))


def _words_of(fit: InterfaceFit | LayerFit) -> str:
    return {
        "converged": "", "at bound": _AT_BOUND, "singular": _SINGULAR, "iteration limit": _LIMIT,
    }.get(fit.status, fit.status)  # fmt: skip


def response_words(interface: Interface) -> str:
    """How an interface was evaluated, with the lengths that were not fitted: "MRI, λ = 0 held"."""
    symbols = {"lam": "λ", "sigma": "σ", "up": "λᵤ", "down": "λ_d"}
    held = ", ".join(f"{symbols.get(name, name)} = {value:g}" for name, value in interface.held)
    return RESPONSES[interface.response] + (f", {held} held" if held else "")


def _lengths(fit: InterfaceFit | LayerFit) -> tuple[tuple[str, float, float], ...]:
    first = 3 if isinstance(fit, InterfaceFit) else 5
    return tuple((name, fit.value(name), fit.error(name)) for name in fit.names[first:])


# -- layers ---------------------------------------------------------------------------------------------------------


def layers_at(entry: Entry, profile: Spectrum, depth: DepthResult | None,
              cancel: Cancel | None = None) -> Layers | None:
    """Layers as `entry.layering` tells them; None where it tells nothing.

    Raises
    ------
    SodaliteError
        If they cannot be told; the message says why.
    """
    setup = entry.layering
    along = Axis(depth.depth, "depth", "nm") if depth is not None else clock_of(profile)
    if setup.factors:
        about = _analysis(entry, setup.factors)
        names = setup.names if len(setup.names) == len(about.names) else about.names
        traces, errors = np.maximum(about.amounts, 0.0).T, about.errors.T if about.errors.size else None
        if traces.shape[0] != len(along):
            raise BadData("The factor analysis belongs to other points of this profile", where=about.title,
                          todo="Repeat the factor analysis")
        words, others = f"{about.title}, closed", _band_ends(about)
    elif setup.markers:
        found = [trace_values(entry, profile, marker.trace) for marker in setup.markers]
        names = tuple(marker.name or trace_words(entry, marker.trace) for marker in setup.markers)
        traces, errors = np.column_stack([one[0] for one in found]), np.column_stack([one[1] for one in found])
        words, others = f"{len(names)} marker traces, closed", ()
    else:
        return None
    if errors is None or not np.all(np.isfinite(errors)):
        errors = _scatter(traces)
    layers = layers_of(along.values, traces, names, errors, alternatives=others, scale=depth, quantity=along.quantity,
                       unit=along.unit, cancel=cancel)
    return replace(layers, words=words)


def _band_ends(about: KeptFactors) -> tuple[FloatArray, ...]:
    """Amounts with one factor at an end of its ambiguity band, each of shape (points, k)."""
    found = []
    for ends in (about.low, about.high):
        if ends.size:
            for i in range(len(about.names)):
                amounts = np.array(about.amounts)
                amounts[i] = ends[i]
                found.append(np.maximum(amounts, 0.0).T)
    return tuple(found)


def _scatter(traces: FloatArray) -> FloatArray:
    """Errors of traces of unknown noise: the scatter of second differences, growing with the root of the amount."""
    if traces.shape[0] < 5:
        raise NotDetermined("Five points or more are needed")
    mean = np.maximum((traces[:-2] + traces[1:-1] + traces[2:]) / 3.0, 1e-12 * traces.max())
    bend = (traces[:-2] - 2.0 * traces[1:-1] + traces[2:]) / np.sqrt(6.0 * mean)
    # The median does not see the few points of an interface, where the curve itself bends.
    size = np.median(np.abs(bend), axis=0) / 0.6745
    return size * np.sqrt(np.maximum(traces, 0.0))


# -- everything -----------------------------------------------------------------------------------------------------


def answer(entry: Entry, profile: Spectrum | None = None, known: DepthAnswer | None = None, *, part: bool = False,
           progress: Progress | None = None, cancel: Cancel | None = None) -> DepthAnswer:
    """Depth scale, interfaces and layers.

    Parameters
    ----------
    entry : Entry
    profile : Spectrum, optional
        Of a cube that of the pixels that are looked at; by default that of all pixels.
    known : DepthAnswer, optional
        An earlier answer: what follows from the same numbers is taken from it.
    part : bool
        The profile is that of some pixels only: what is told from factors is that of all, which is noted.
    progress, cancel : callables, optional

    Raises
    ------
    BadData, UnknownName, Cancelled
        If it is no depth profile.
    """
    if profile is None:
        profile = profile_at(entry, progress=progress, cancel=cancel)
    basis = (profile, entry.depth, entry.layering, entry.factors)
    same = known is not None and known.basis[0] is profile and known.basis[1] == entry.depth and \
        known.basis[3] is entry.factors
    depth, depth_failed = None, ""
    try:
        depth = depth_along(entry, profile)
    except SodaliteError as error:
        depth_failed = str(error)
    old = {one.interface: one for one in known.interfaces} if known is not None and same else {}
    done = []
    for interface in entry.interfaces:
        if cancel is not None and cancel():
            raise Cancelled
        done.append(old.get(interface) or evaluate(entry, interface, profile, depth, cancel))
    if known is not None and same and known.basis[2] == entry.layering:
        return DepthAnswer(basis, depth, depth_failed, tuple(done), known.layers, known.layers_failed, known.note)
    layers, layers_failed = None, ""
    try:
        layers = layers_at(entry, profile, depth, cancel)
    except Cancelled:
        raise
    except SodaliteError as error:
        layers_failed = str(error)
    notes = (_old_factors(entry), FACTORS_OF_ALL if part and uses_factors(entry) else "")
    return DepthAnswer(basis, depth, depth_failed, tuple(done), layers, layers_failed, ". ".join(filter(None, notes)))


def uses_factors(entry: Entry, traces: Sequence[str] = ()) -> bool:
    """Whether depths, interfaces, layers or one of these traces are told from factors."""
    told = (*traces, *(one.trace for one in entry.interfaces), *(one.trace for one in entry.layering.markers))
    return any(map(is_factor, told)) or bool(entry.layering.factors) or entry.depth.kind == "phases"


def _old_factors(entry: Entry) -> str:
    """Whether factors that are used were found in other data than today's."""
    used = {entry.layering.factors, entry.depth.factors if entry.depth.kind == "phases" else ""} - {""}
    for about in entry.factors:
        if about.id in used and about.data_hash and about.data_hash != entry.processed().hash:
            return f"{about.title}: the data have changed since these factors were found"
    return ""
