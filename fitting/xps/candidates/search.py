"""Models from one state on, by adding, taking away and exchanging states; not all subsets are tried."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fitting.dataset import FloatArray, Spectrum
from fitting.engine import fit
from fitting.evaluate import Evaluator
from fitting.model import FitModel
from fitting.result import FitResult
from fitting.statistics import variance_of
from fitting.xps.candidates.build import amounts, build, direction_of, first_number, width_of
from fitting.xps.candidates.grammar import RESOLVABLE, Grammar, Keys
from libraries.errors import Cancelled, SodaliteError

Progress = Callable[[float, str], None]
Cancel = Callable[[], bool]

BEAM = 3  # models of each size from which larger ones are made
PATIENCE = 2  # sizes in a row without a lower AICc after which the search ends
_SAME = 0.02  # ends closer than this in -2 ln L are the same minimum
# Places of a new peak beside each present one, in widths of that one: shoulders hide there.
_BESIDE = (-0.9, -0.4, 0.4, 0.9)
_PLACES = 6  # of a new peak that are tried
_TRIED = 5  # states that are added to one model, those with the highest residuals in their range
_BUDGET = 100  # evaluations of one descent


@dataclass(frozen=True, eq=False)
class Fitted:
    """A model of some states, fitted.

    Attributes
    ----------
    keys, ids : tuple of str
        States, and the main component of each.
    result : FitResult
    ends : tuple of float
        -2 ln L (up to a constant) where each start ended; infinite for those that found no minimum.
    swapped : bool
        Whether two states of a line stand in another order than their cited energies.
    """

    keys: Keys
    ids: tuple[str, ...]
    result: FitResult
    ends: tuple[float, ...]
    swapped: bool = False

    @property
    def objective(self) -> float:
        """-2 ln L up to a constant of the data: what AIC is without its penalty."""
        return self.result.aic - 2 * self.result.n_free

    @property
    def positions(self) -> tuple[float, ...]:
        """Of the main peaks in eV."""
        return tuple(self.result.value(f"{id}.position") for id in self.ids)

    @property
    def hits(self) -> int:
        """How many starts ended in the best minimum."""
        return sum(end <= self.objective + _SAME for end in self.ends)

    def empty(self) -> tuple[str, ...]:
        """States without any area."""
        model, gone = self.result.model, []
        for key, id in zip(self.keys, self.ids, strict=True):
            if f"{id}.area" in self.result.at_bound or model.component(id).value("area") <= 0:
                gone.append(key)
        return tuple(gone)

    def merged(self) -> bool:
        """Whether two peaks of one line stand closer than can be resolved."""
        model = self.result.model
        for i, one in enumerate(self.ids):
            for other in self.ids[:i]:
                a, b = model.component(one), model.component(other)
                near = RESOLVABLE * min(width_of(model, one), width_of(model, other))
                if a.line == b.line and abs(a.value("position") - b.value("position")) < near:
                    return True
        return False

    @property
    def sensible(self) -> bool:
        """Neither empty states, nor two at one energy, nor two in the wrong order."""
        return not self.swapped and not self.empty() and not self.merged()


@dataclass(frozen=True, eq=False)
class Fitter:
    """Fits models of a grammar to a spectrum.

    Attributes
    ----------
    spectrum : Spectrum
    grammar : Grammar
    base : FitModel
        Region, background, and components of other lines, which are in every model.
    cancel : callable() -> bool, optional
    """

    spectrum: Spectrum
    grammar: Grammar
    base: FitModel
    cancel: Cancel | None = None

    def on(self, spectrum: Spectrum) -> Fitter:
        """The same on other data."""
        return replace(self, spectrum=spectrum)

    def descend(self, model: FitModel) -> FitResult | None:
        """One descent; None where it is refused or finds no minimum."""
        if self.cancel is not None and self.cancel():
            raise Cancelled("The search was stopped", where=self.base.name)
        try:
            result = fit(self.spectrum, model, max_evaluations=_BUDGET)
        except Cancelled:
            raise
        except SodaliteError:
            return None
        return result if result.success and np.isfinite(result.aic) else None

    def at(self, keys: Keys, positions: Sequence[float] | None, widths: dict[str, float] | None) -> FitModel:
        """A start: peaks at places, with amounts that suit the data."""
        model, ids = build(
            self.grammar, keys, self.base, positions, widths, direction=direction_of(self.spectrum)
        )
        return amounts(self.spectrum, model, ids)

    def best(self, keys: Keys, starts: Iterable[FitModel]) -> Fitted | None:
        """The best end of several starts."""
        chosen: FitResult | None = None
        ends = []
        for start in starts:
            result = self.descend(start)
            value = np.inf if result is None else result.aic - 2 * result.n_free
            ends.append(float(value))
            if result is not None and value <= min(ends):
                chosen = result
        if chosen is None:
            return None
        found = Fitted(keys, self._ids(keys), chosen, tuple(ends))
        return replace(found, swapped=self._swapped(found))

    def _swapped(self, fitted: Fitted) -> bool:
        states = [self.grammar.state(key) for key in fitted.keys]
        pairs = list(zip(states, fitted.positions, strict=True))
        return any(
            a.line == b.line and (a.centre - b.centre) * (p - q) < 0
            for i, (a, p) in enumerate(pairs) for b, q in pairs[:i]
        )

    def _ids(self, keys: Keys) -> tuple[str, ...]:
        ids, count = [], first_number(self.base)
        for key in keys:
            ids.append(f"p{count}")
            count += 1 + len(self.grammar.state(key).parts)
        return tuple(ids)

    def larger(self, small: Fitted, keys: Keys, most: int | None = None) -> Fitted | None:
        """Fit a model that has one more state than `small`, the new one tried at several places."""
        at = _added(small.keys, keys)
        widths = self.widths(small)
        places = self.places(small, keys[at])
        starts = []
        for place in places[:most]:
            positions = [*small.positions]
            positions.insert(at, place)
            starts.append(self.at(keys, _apart(positions, at), widths))
        return self.best(keys, starts)

    def smaller(self, large: Fitted, keys: Keys) -> Fitted | None:
        """Fit a model that has one state less than `large`."""
        at = _added(keys, large.keys)
        positions = [p for i, p in enumerate(large.positions) if i != at]
        return self.best(keys, [self.at(keys, positions, self.widths(large))])

    def widths(self, fitted: Fitted) -> dict[str, float]:
        """Fitted widths by profile."""
        table: dict[str, float] = {}
        for key, id in zip(fitted.keys, fitted.ids, strict=True):
            table.setdefault(self.grammar.state(key).profile, width_of(fitted.result.model, id))
        return table

    def places(self, small: Fitted, key: str) -> tuple[float, ...]:
        """Where a new state may hide: where the residuals are highest, and beside the present peaks; likely ones first.

        A shoulder bends the peak that it sits on: the residuals are then high on both its sides, not at the shoulder.
        """
        state = self.grammar.state(key)
        low, high = max(state.window[0], self.base.region[0]), min(state.window[1], self.base.region[1])
        x, score = self._surplus(small)
        found: list[float] = []
        for id, position in zip(small.ids, small.positions, strict=True):
            width = width_of(small.result.model, id)
            if self.grammar.repeat:
                found.extend(position + step * width for step in _BESIDE)
        found.sort(key=lambda place: -float(np.interp(place, x, score)))
        inside = (x >= low) & (x <= high)
        if not self.grammar.repeat:
            found.insert(0, state.centre)
        if np.any(inside):
            found.insert(0, float(x[inside][np.argmax(score[inside])]))
        distinct: list[float] = []
        for place in found:
            place = min(max(place, low), high)
            if all(abs(place - other) > 0.15 for other in distinct):
                distinct.append(place)
        return tuple(distinct[:_PLACES])

    def likely(self, small: Fitted, most: int) -> tuple[Keys, ...]:
        """Models with one more state, those first whose new state has the highest residuals in its range."""
        wanted = self.grammar.larger(small.keys)
        if len(wanted) <= most:
            return wanted
        x, score = self._surplus(small)

        def height(keys: Keys) -> float:
            low, high = self.grammar.state(keys[_added(small.keys, keys)]).window
            inside = (x >= low) & (x <= high)
            return float(np.max(score[inside])) if np.any(inside) else -np.inf

        return tuple(sorted(wanted, key=height, reverse=True)[:most])

    def _surplus(self, small: Fitted) -> tuple[FloatArray, FloatArray]:
        """By how many standard deviations the data exceed the model over a line width, at every energy."""
        evaluator = Evaluator(self.spectrum, small.result.model)
        envelope = evaluator.parts(evaluator.values_of(small.result.model)).envelope
        sigma = np.sqrt(variance_of(self.spectrum.noise, envelope, evaluator.y))
        width = width_of(small.result.model, small.ids[0])
        count = min(max(round(width / self.spectrum.axis.step), 1), evaluator.y.size)
        kernel = np.ones(count) / np.sqrt(count)
        return evaluator.x, np.convolve((evaluator.y - envelope) / sigma, kernel, mode="same")

    def scattered(self, fitted: Fitted, number: int, seed: int) -> list[FitModel]:
        """Random starts: positions anywhere in their ranges near the peaks, widths within a factor of 1.5."""
        rng = np.random.default_rng([seed, len(fitted.keys)])
        starts = []
        for _ in range(number):
            positions = []
            for key, id, position in zip(fitted.keys, fitted.ids, fitted.positions, strict=True):
                state = self.grammar.state(key)
                width = width_of(fitted.result.model, id)
                low = max(state.window[0], self.base.region[0], position - 1.5 * width)
                high = min(state.window[1], self.base.region[1], position + 1.5 * width)
                positions.append(float(rng.uniform(low, max(high, low))))
            widths = {k: w * float(1.5 ** rng.uniform(-1, 1)) for k, w in self.widths(fitted).items()}
            starts.append(self.at(fitted.keys, positions, widths))
        return starts

    def again(self, fitted: Fitted, number: int, seed: int) -> Fitted:
        """The same model from its end and from random places; a lower end replaces the old one."""
        found = self.best(fitted.keys, [fitted.result.model, *self.scattered(fitted, number - 1, seed)])
        if found is None:
            return fitted
        if found.objective > fitted.objective:
            return replace(fitted, ends=found.ends)
        return found


def _added(small: Keys, large: Keys) -> int:
    """Place of the state that `large` has and `small` has not."""
    for i, key in enumerate(large):
        if i >= len(small) or small[i] != key:
            return i
    raise ValueError("no state was added")


def _apart(positions: list[float], at: int) -> list[float]:
    """A new peak right on another one would stay there: they begin a little apart."""
    for i, other in enumerate(positions):
        if i != at and abs(other - positions[at]) < 0.1:
            positions[at] = other + (0.2 if positions[at] >= other else -0.2)
    return positions


def search(
    fitter: Fitter, *, beam: int = BEAM, patience: int = PATIENCE, progress: Progress | None = None
) -> dict[int, list[Fitted]]:
    """The best models of every size, by forward steps from a beam of models, backward steps and exchanges.

    Returns
    -------
    dict of int to list of Fitted
        By number of states, best first; sizes of which no model could be fitted are missing.
    """
    grammar = fitter.grammar
    levels: dict[int, dict[Keys, Fitted]] = {}
    starts = [k for k in dict.fromkeys((s.key,) for s in grammar.states) if grammar.allowed(k)]
    levels[1] = _fitted({k: fitter.best(k, _first(fitter, k)) for k in starts})
    lowest, without = np.inf, 0
    for size in range(1, grammar.most + 1):
        if not levels.get(size):
            break
        if progress is not None:
            progress(0.5 * (size - 1) / grammar.most, f"Models of {size} {'state' if size == 1 else 'states'}")
        if size > 1:
            _backward(fitter, levels, size)
        _exchange(fitter, levels[size])
        value = min(f.result.aicc for f in levels[size].values())
        # Models of one of many states miss nearly everything: the first sizes must not end the search.
        without = 0 if value < lowest else without + 1
        lowest = min(lowest, value)
        if without >= patience or size == grammar.most:
            break
        levels[size + 1] = _forward(fitter, _order(levels[size].values())[:beam])
    return {size: _order(found.values()) for size, found in levels.items() if found}


def _first(fitter: Fitter, keys: Keys) -> list[FitModel]:
    """A lone state begins at its centre and at the highest point of its range; a plain peak at the latter alone."""
    state = fitter.grammar.state(keys[0])
    part = fitter.spectrum.window(*fitter.base.region)
    inside = (part.x >= state.window[0]) & (part.x <= state.window[1])
    top = float(part.x[inside][np.argmax(part.y[inside])]) if np.any(inside) else state.centre
    places = [top] if fitter.grammar.repeat else [state.centre, top]
    return [fitter.at(keys, [place], None) for place in places]


def _fitted(found: dict[Keys, Fitted | None]) -> dict[Keys, Fitted]:
    return {keys: f for keys, f in found.items() if f is not None}


def _order(found: Iterable[Fitted]) -> list[Fitted]:
    """Sensible models before others, lower statistic first."""
    return sorted(found, key=lambda f: (not f.sensible, f.objective))


def _forward(fitter: Fitter, parents: list[Fitted]) -> dict[Keys, Fitted]:
    table: dict[Keys, Fitted] = {}
    for parent in parents:
        for keys in fitter.likely(parent, _TRIED):
            if keys in table:
                continue
            found = fitter.larger(parent, keys)
            if found is not None:
                table[keys] = found
    return table


def _backward(fitter: Fitter, levels: dict[int, dict[Keys, Fitted]], size: int) -> None:
    """Take a state away from the best of this size: a better model of one state less may come of it."""
    for parent in _order(levels[size].values())[:2]:
        for keys in fitter.grammar.smaller(parent.keys):
            known = levels[size - 1].get(keys)
            found = fitter.smaller(parent, keys)
            if found is not None and (known is None or found.objective < known.objective):
                levels[size - 1][keys] = found


def _exchange(fitter: Fitter, level: dict[Keys, Fitted]) -> None:
    """In the best of this size, let every peak be another state that is cited near its energy."""
    grammar = fitter.grammar
    if grammar.repeat:
        return
    for parent in _order(level.values())[:2]:
        for i, position in enumerate(parent.positions):
            for state in grammar.states:
                if state.key in parent.keys or not state.window[0] <= position <= state.window[1]:
                    continue
                changed = (*parent.keys[:i], state.key, *parent.keys[i + 1 :])
                keys = grammar.ordered(changed)
                if keys in level or not grammar.allowed(keys):
                    continue
                places = dict(zip(changed, parent.positions, strict=True))
                found = fitter.best(keys, [fitter.at(keys, [places[key] for key in keys], fitter.widths(parent))])
                if found is not None:
                    level[keys] = found
