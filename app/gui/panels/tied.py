"""Constraints of the shown region as the panel types and shows them: inside the region, and tied to other regions."""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.gui.panels.links import simple, straight, within
from app.gui.panels.numbers import plain
from app.gui.plot.edits import WORDS, label, settled, with_link
from app.project import joint
from app.project.project import Project, RegionFit, Tie
from fitting.constraint_words import Constraint
from fitting.joint_links import Place, checked, place, references
from fitting.model import FitModel
from libraries.errors import BadModel, SodaliteError

TIED = "↔ "  # stands before what a parameter of another region is named by


@dataclass(frozen=True, eq=False)
class Shown:
    """A region in its project."""

    project: Project
    entry: str
    fit: str

    @property
    def model(self) -> FitModel:
        """The region's model."""
        return self.project.entry(self.entry).fit(self.fit).model

    @property
    def key(self) -> str:
        """How ties name the region."""
        return joint.key_of(self.entry, self.fit)

    @property
    def ties(self) -> dict[str, Tie]:
        """Ties that the region follows, by parameter."""
        return joint.tied_to(self.project, self.entry, self.fit)

    def with_model(self, model: FitModel) -> Project:
        """The project with another model for the region; its old result no longer belongs to it."""
        entry = self.project.entry(self.entry)
        if model == self.model:
            return self.project
        return self.project.with_entry(entry.with_fit(RegionFit(self.fit, model)))


def explained_tie(shown: Shown, name: str) -> str:
    """What a tie means, as a sentence part: "position 242.1 eV above C 1s: CO3 (fitted together)"."""
    tie = shown.ties[name]
    own = name.partition(".")[2]
    word = WORDS.get(own, own.replace("_", " "))
    try:
        link, others = checked(tie.formula, tie.target), references(tie.formula)
        if len(others) == 1 and len(link.names) == 1 and others[0].name.partition(".")[2] == own:
            there = others[0]
            value = joint.region_of(shown.project, there.key)[1].model.params[there.name].value
            line = straight(link, link.names[0], value)
            if line is not None:
                text = simple(word, own, joint.label(shown.project, there, shown.key, short=True), *line)
                return f"{text if text.startswith(('same', word)) else f'{word} {text}'}{within(link)}, fitted together"
        return f"{word} = {joint.in_words(shown.project, tie)}, fitted together"
    except SodaliteError:
        return f"{word}: this tie names what is no longer there"


def tie_words(shown: Shown, name: str) -> str:
    """A tie as it is typed."""
    try:
        return joint.in_words(shown.project, shown.ties[name])
    except SodaliteError:
        return shown.ties[name].formula


def followed(shown: Shown, name: str, text: str) -> tuple[str, Project]:
    """What a text typed into "Follows" does: name of the undo step and the project.

    Raises
    ------
    BadModel
        For the user, with examples.
    """
    found = joint.understood(shown.project, shown.entry, shown.fit, name, text)
    words = label(shown.model, name)
    if found.foreign:
        return f"Tie the {words}", joint.with_tie(shown.project, f"{shown.key}/{name}", str(found.link))
    if name in shown.ties:
        shown = replace(shown, project=joint.without_tie(shown.project, f"{shown.key}/{name}"))
    step, model = _constrained(shown.model, name, found, words)
    return step, shown.with_model(model)


def _constrained(model: FitModel, name: str, found: Constraint, words: str) -> tuple[str, FitModel]:
    param = model.params[name]
    if found.link:
        return f"Link of the {words}", with_link(model, name, found.link)
    low = param.minimum if found.minimum is None else found.minimum
    high = param.maximum if found.maximum is None else found.maximum
    if low > high:
        raise BadModel("The lower bound would lie above the upper bound", where=words,
                       todo=f"The bounds are {plain(param.minimum) or '−∞'} to {plain(param.maximum) or '∞'}")
    value = param.value if found.value is None else found.value
    if found.value is not None and not low <= value <= high:
        raise BadModel("The value lies outside its bounds", where=f"{words} {value:g}", todo="Change the bounds first")
    # Bounds typed as a sentence bring the start value inside: that is what the sentence asks for.
    vary = param.vary if found.held is None else not found.held
    changed = replace(param, value=min(max(value, low), high), minimum=low, maximum=high, vary=vary, link="")
    step = "Hold" if found.held else "Free" if found.held is False else "Bounds of"
    if found == Constraint(link=""):
        step = "Remove the link of"
    return f"{step} the {words}", settled(model.with_params({name: changed}))


@dataclass(frozen=True)
class Offer:
    """A tie that a menu offers: words, the target in the region, and its formula."""

    words: str
    target: str
    formula: str


def offers(shown: Shown, id: str) -> dict[str, tuple[Offer, ...]]:
    """Ties of a component to those of other regions, from the values as they stand: by name of the other component."""
    mine = shown.model.component(id)
    found: dict[str, tuple[Offer, ...]] = {}
    for name, owner in joint.owners(shown.project, shown.key).items():
        if "/" not in owner:
            continue
        key, _, other = owner.rpartition("/")
        theirs = joint.region_of(shown.project, key)[1].model.component(other)
        values, own = theirs.values, mine.values
        made = []
        offset = round(own["position"] - values["position"], 3)
        there = Place(key, f"{other}.position")
        side = "above" if offset >= 0 else "below"
        made.append(Offer(f"Position: {abs(offset):g} eV {side}", f"{id}.position",
                          f"{{{there}}} {'+' if offset >= 0 else '-'} {abs(offset):g}"))
        if "area" in own and values.get("area", 0.0) > 0:
            ratio = float(f"{own['area'] / values['area']:.4g}")
            made.append(Offer(f"Area: {ratio:g} ×", f"{id}.area", f"{{{Place(key, f'{other}.area')}}} * {ratio:g}"))
        made.extend(
            Offer(f"Same {WORDS.get(width, width)}", f"{id}.{width}", f"{{{Place(key, f'{other}.{width}')}}}")
            for width in own if width.startswith("fwhm") and width in values
        )
        found[name] = tuple(made)
    return found


def take(shown: Shown, offer: Offer) -> Project:
    """The project with an offered tie."""
    return joint.with_tie(shown.project, f"{shown.key}/{offer.target}", offer.formula)


def without_ties(shown: Shown, id: str) -> Project:
    """The project without the ties that a component follows."""
    project = shown.project
    for name, tie in shown.ties.items():
        if place(tie.target).owner == id and name:
            project = joint.without_tie(project, tie.target)
    return project
