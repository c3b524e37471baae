"""Writes the templates that come with the program (app/resources/templates) from the tables of the library.

    python docs/make_templates.py

Every energy is the library's, and every component says where it was read. Widths are starts within wide bounds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from app.project.template import Reference, Template, TemplateRegion
from app.project.template_file import save
from fitting import guess
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.model import Component, FitModel, Param
from libraries.compounds import ReferenceLine, lines_of
from libraries.elements import parse_line

FOLDER = Path(__file__).resolve().parents[1] / "app" / "resources" / "templates"
# Positions may leave the cited spread by half an eV: charge references of papers differ by as much.
MARGIN = 0.5
ADVENTITIOUS = "libraries/tables/charge_references.csv: adventitious carbon, convention of NIST SRD 20 (adC)"


@dataclass(frozen=True)
class Line:
    """A peak of a template: where it is cited, and what ties it to others.

    Attributes
    ----------
    name, line : str
    compound, group : str
        Name in the library, "" for a cited energy that is given here.
    energy : float or None
        With `source`, where the library has no row of its own.
    width : (start, least, most)
    links : tuple of (parameter, formula)
        Other peaks by name in brackets.
    also : str
        Another compound of the library that the peak may stand for.
    """

    name: str
    line: str
    compound: str = ""
    group: str = ""
    energy: float | None = None
    source: str = ""
    shape: str = "gl_sum"
    width: tuple[float, float, float] = (1.4, 0.6, 3.0)
    links: tuple[tuple[str, str], ...] = ()
    doublet: bool = False
    quantify: bool = True
    also: str = ""


def cited(line: Line) -> tuple[float, float, float, str]:
    """Central, low, high energy in eV and the source."""
    if line.energy is not None:
        return line.energy, line.energy, line.energy, line.source
    wanted = parse_line(line.line)
    rows: list[ReferenceLine] = [
        row for row in lines_of(line.compound)
        if row.line == wanted and row.group == line.group
    ]
    first = next((row for row in rows if "adC" in row.reference), rows[0])
    found = first.central, first.low, first.high, f"{first.label}: {first.source}"
    if not line.also:
        return found
    second = cited(replace(line, compound=line.also, also=""))
    return first.central, min(first.low, second[1]), max(first.high, second[2]), f"{found[3]}; {second[3]}"


def region(key: str, low: float, high: float, *lines: Line) -> TemplateRegion:
    """A region with its peaks, on the program's default background."""
    x = np.arange(low - 2, high + 2, 0.1)
    blank = Spectrum(
        Axis(x, "binding_energy"), np.full(x.shape, 1000.0), Noise("poisson", 1.0),
        Meta(technique="xps", region=key, photon_energy=1486.6),
    )
    model = guess.new_model(blank, low, high, name=key)
    for line in lines:
        model = added(blank, model, line)
    return TemplateRegion(key, key, model)


def added(blank: Spectrum, model: FitModel, line: Line) -> FitModel:
    """The model with one more line."""
    central, low, high, source = cited(line)
    options = {"shape": line.shape, "name": line.name, "compound": line.compound, "source": source,
               "fwhm": line.width[0]}
    if line.doublet:
        model = guess.add_doublet(blank, model, line.line, central, **options)
        component = model.components[-2]
    else:
        model = guess.add_peak(blank, model, central, line=line.line, **options)
        component = model.components[-1]
    params = dict(component.params)
    params["area"] = Param(1000.0, 0.0)
    params["position"] = Param(central, low - MARGIN, high + MARGIN)
    params["fwhm"] = Param(*line.width)
    ids = {item.name: item.id for item in model.components}
    for name, formula in line.links:
        for other, id in ids.items():
            formula = formula.replace(f"[{other}]", id)
        params[name] = replace(params[name], link=formula, vary=True)
    changed: Component = replace(component, params=tuple(params.items()), quantify=line.quantify)
    return model.with_component(changed)


HARD_CARBON = Template(
    "C 1s of hard carbon",
    (region(
        "C 1s", 280.0, 296.0,
        Line("sp² C–C", "C 1s", "hard carbon", "sp2", shape="gl_tail", width=(0.9, 0.4, 1.6)),
        Line("C–O", "C 1s", "oxidised carbon", "C-O"),
        Line("C=O", "C 1s", "oxidised carbon", "C=O", links=(("fwhm", "[C–O].fwhm"),)),
        Line("O–C=O", "C 1s", "oxidised carbon", "O-C=O", links=(("fwhm", "[C–O].fwhm"),)),
        Line("π–π*", "C 1s", "hard carbon", "pi-pi*", width=(2.6, 1.5, 4.5)),
    ),),
    Reference("C 1s", "sp² C–C", 284.5, "C 1s of hard carbon, sp², at 284.5 eV (Morgan, C 7 (2021) 51)"),
    note="Asymmetric sp² line, three oxides of one width, shake-up. Energies referred to sp² carbon at 284.5 eV.",
)
SALTS = Template(
    "Na2CO3 and NaF",
    (
        region(
            "C 1s", 281.0, 294.0,
            Line("C–C, C–H", "C 1s", energy=284.8, source=ADVENTITIOUS),
            Line("C–O", "C 1s", "PEO", "C-O", links=(("fwhm", "[C–C, C–H].fwhm"),)),
            Line("Na₂CO₃", "C 1s", "Na2CO3", links=(("fwhm", "[C–C, C–H].fwhm"),)),
        ),
        region(
            "O 1s", 526.5, 539.5,
            Line("Na₂CO₃", "O 1s", "Na2CO3", width=(1.6, 0.8, 2.6)),
            Line("C–O", "O 1s", "PEO", width=(1.6, 0.8, 2.6), links=(("fwhm", "[Na₂CO₃].fwhm"),)),
        ),
        region("F 1s", 679.0, 691.0, Line("NaF", "F 1s", "NaF", width=(1.6, 0.8, 2.8))),
        region(
            "Na 1s", 1065.0, 1078.5,
            Line("Na⁺ (Na₂CO₃, NaF)", "Na 1s", "Na2CO3", width=(1.6, 0.8, 2.8), also="NaF"),
        ),
    ),
    Reference("C 1s", "C–C, C–H", 284.8, "C 1s of adventitious carbon at 284.8 eV"),
    note="One Na 1s line for both salts: their cited energies overlap. Energies referred to adventitious carbon.",
)
VANADIUM = Template(
    "V 2p and O 1s on one background",
    (region(
        "V 2p + O 1s", 508.5, 537.5,
        Line("oxide", "O 1s", energy=530.0,
             source="reference of the rows 'oxide, O 1s at 530.0' of libraries/tables/xps_compounds.csv",
             width=(1.3, 0.8, 2.2)),
        Line("C–O, OH", "O 1s", "PEO", width=(1.6, 0.8, 2.8)),
        Line("V(V)", "V 2p3/2", "V(V) oxide, O 1s at 530.0", doublet=True, width=(1.2, 0.7, 2.2),
             links=(("position", "[oxide].position - 12.8 +- 0.3"),)),
        Line("V(IV)", "V 2p3/2", "V(IV) oxide, O 1s at 530.0", doublet=True, width=(1.6, 0.8, 2.8),
             links=(("position", "[oxide].position - 14.1 +- 0.3"),)),
        Line("V(III)", "V 2p3/2", "V(III) oxide, O 1s at 530.0", doublet=True, width=(1.8, 0.8, 3.2),
             links=(("position", "[oxide].position - 14.8 +- 0.3"), ("fwhm", "[V(IV)].fwhm"))),
    ),),
    Reference("V 2p + O 1s", "oxide", 530.0, "O 1s of the vanadium oxide at 530.0 eV"),
    note="V 2p by their distance from O 1s (12.8, 14.1, 14.8 eV; NIST SRD 20, Colton 1978): no other reference needed.",
)
TEMPLATES = (HARD_CARBON, SALTS, VANADIUM)


def main() -> None:
    """Write them all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for template in TEMPLATES:
        save(template, FOLDER / f"{template.name}.json")
        print(FOLDER / f"{template.name}.json")


if __name__ == "__main__":
    main()
