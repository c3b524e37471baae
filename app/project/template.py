"""Templates: what an analyst does with every sample of a kind, as data, made from a sample and applied to others.

    Template
      regions     models with the spectrum that each belongs to
      reference   which component sets the charge reference, and at which energy
      material, factors   how the sample is quantified
      ties        links between its regions
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.project.project import Project, Tie
from fitting.joint_table import tabulated
from fitting.model import FitModel
from libraries.elements import parse_line
from libraries.errors import BadData, BadModel, SodaliteError

NAMED = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True)
class TemplateRegion:
    """A region of a template.

    Attributes
    ----------
    key : str
        Its name within the template.
    spectrum : str
        Name of the spectrum it was made on ("C 1s", "V 2p + O 1s").
    model : FitModel
        Energies on the corrected scale.
    quantity : str
        Of the axis.
    """

    key: str
    spectrum: str
    model: FitModel
    quantity: str = "binding_energy"

    @property
    def lines(self) -> tuple[str, ...]:
        """Shells that the spectrum must show, "C 1s", canonical: by its name, else by its components."""
        named = shells(self.spectrum)
        if named:
            return named
        found = (shells(c.line) for c in self.model.components if c.line and c.quantify)
        return tuple(dict.fromkeys(line for lines in found for line in lines))


@dataclass(frozen=True)
class Reference:
    """The charge reference: a component of a region (by name or id) stands at `energy` eV of binding energy."""

    region: str
    component: str
    energy: float
    note: str = ""


@dataclass(frozen=True)
class TemplateTie:
    """A link between regions: as `Tie`, with "region/component.parameter" for "entry/region/component.parameter"."""

    target: str
    formula: str
    note: str = ""


@dataclass(frozen=True, eq=False)
class Template:
    """What is done with every sample of a kind.

    Raises
    ------
    BadModel
        If keys repeat, reference and ties name what is not there, or ties run in a circle.
    """

    name: str
    regions: tuple[TemplateRegion, ...]
    reference: Reference | None = None
    material: str = ""
    factors: str = ""
    ties: tuple[TemplateTie, ...] = ()
    note: str = ""

    def __post_init__(self) -> None:
        if not self.regions:
            raise BadModel("A template needs a region", where=self.name)
        table = {region.key: region for region in self.regions}
        if len(table) < len(self.regions) or "" in table or any("/" in key for key in table):
            raise BadModel("The regions of a template need different names without '/'", where=self.name)
        if self.reference is not None:
            reference_component(self)
        for tie in self.ties:
            for place in (tie.target, *NAMED.findall(tie.formula)):
                key, _, parameter = place.partition("/")
                if key not in table or parameter not in table[key].model.params:
                    raise BadModel(f"The link of '{tie.target[:60]}' names what is not there", where=self.name)
        tabulated([(region.key, region.model) for region in self.regions], {t.target: t.formula for t in self.ties})


def reference_component(template: Template) -> tuple[TemplateRegion, str]:
    """Region and component id of the charge reference.

    Raises
    ------
    BadModel
        If the template has none, or it is not there.
    """
    rule = template.reference
    if rule is not None:
        for region in template.regions:
            for component in region.model.components:
                if region.key == rule.region and rule.component in (component.id, component.name):
                    return region, component.id
    raise BadModel("The charge reference of the template names a component that is not there", where=template.name)


def reference_words(template: Template) -> str:
    """The charge reference in words: "C 1s sp² C–C at 284.5 eV"."""
    rule = template.reference
    if rule is None:
        return ""
    region, id = reference_component(template)
    component = region.model.component(id)
    line = component.line if component.line and component.line not in component.name else ""
    return rule.note or f"{line} {component.name or component.id} at {rule.energy:g} eV".strip()


def shells(text: str) -> tuple[str, ...]:
    """The shells that a name holds ("V 2p3/2 + O 1s" holds "V 2p" and "O 1s"); Auger lines by their series."""
    found = []
    for part in re.split(r"[+,;&/]| and ", re.sub(r"\d/2\b", "", text)):
        # "C1s scan 3" and "C 1s (2)" are named for a line too.
        for words in (part, re.split(r"[\s_(-]*(?:scan|sweep|region|level|\(|\d+$)", part.strip(), maxsplit=1)[0]):
            try:
                line = parse_line(words.strip())
            except SodaliteError:
                continue
            found.append(f"{line.element} {line.shell}" if line.kind == "core" else line.name)
            break
    return tuple(dict.fromkeys(found))


def template_of(
    project: Project, ids: tuple[str, ...], name: str, reference: Reference | None = None, note: str = ""
) -> Template:
    """A template of the regions of some spectra of one sample.

    Parameters
    ----------
    ids : tuple of str
        Of the spectra.
    reference : Reference, optional
        By default none: spectra are then expected on the corrected scale.

    Raises
    ------
    BadData
        If there is no region, or the spectra belong to several samples.
    """
    entries = [project.entry(id) for id in ids]
    if len({entry.sample for entry in entries}) > 1:
        raise BadData("A template is made of one sample", todo="Choose spectra of one sample")
    keys: dict[tuple[str, str], str] = {}
    regions = []
    for entry in entries:
        quantity = entry.processed().axis.quantity if entry.fits else ""
        for fit in entry.fits:
            base = fit.name.replace("/", "-") or entry.title.replace("/", "-")
            key, number = base, 2
            while key in keys.values():
                key, number = f"{base} {number}", number + 1
            keys[(entry.id, fit.id)] = key
            shown = entry.spectrum.name if entry.variable else entry.title
            regions.append(TemplateRegion(key, shown, fit.model, quantity))
    if not regions:
        raise BadData("There is no region to make a template of", todo="Draw a region and add its peaks first")
    sample = project.sample(entries[0].sample) if entries[0].sample else None
    ties = tuple(t for t in (_inward(tie, keys) for tie in project.ties) if t is not None)
    return Template(
        name, tuple(regions), reference, sample.material if sample else "", sample.factors if sample else "", ties, note
    )


def guessed_reference(project: Project, ids: tuple[str, ...]) -> Reference | None:
    """The charge reference of spectra in terms of their components, as their recipe names it.

    The note of the shift says the energy ("C 1s of sp² carbon at 284.5 eV"); the component of that line that stands
    there within 0.2 eV is the reference. None where there is none, so that a template then has no rule.
    """
    best: tuple[float, Reference] | None = None
    keys: set[str] = set()
    for entry in (project.entry(id) for id in ids):
        words = entry.recipe.charge_reference()
        match = re.search(r"at (\d+(?:\.\d+)?) ?eV", words)
        for fit in entry.fits:
            key = fit.name.replace("/", "-") or entry.title.replace("/", "-")
            if match is None or key in keys:
                continue
            keys.add(key)
            energy = float(match[1])
            for component in fit.model.components:
                away = abs(component.value("position") - energy)
                named = not shells(component.line) or shells(component.line)[0].split()[0] in words
                if away <= 0.2 and named and (best is None or away < best[0]):
                    note = words.partition(", lines of '")[0].partition(" (from ")[0]
                    best = away, Reference(key, component.id, energy, note)
    return best[1] if best is not None else None


def _inward(tie: Tie, keys: dict[tuple[str, str], str]) -> TemplateTie | None:
    """A tie in the words of a template; None where it leaves the template."""

    def place(text: str) -> str:
        entry, region, parameter = text.split("/", 2)
        return f"{keys[(entry, region)]}/{parameter}"

    try:
        return TemplateTie(
            place(tie.target), NAMED.sub(lambda match: "{" + place(match[1]) + "}", tie.formula), tie.note
        )
    except (KeyError, ValueError):
        return None
