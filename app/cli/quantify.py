"""`sodalite quantify`: composition of the samples of a project, or from CasaXPS's components in a VAMAS file."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.inputs import is_project, project_in, spectra_in
from app.cli.output import Progress, print_json
from app.cli.status import DONE, one_line, say
from libraries.errors import BadData, NotDetermined

if TYPE_CHECKING:
    from app.project.project import Project
    from fitting.xps.quantify import Composition
    from fitting.xps.study import Study, StudyKind

_GROUPS = "background,ends,shape"


def add(commands: Any, common: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Declare the command."""
    parser = commands.add_parser(
        "quantify",
        help="composition with uncertainties",
        description="Composition in at.% of every sample of a project, with the source of each factor. Of a VAMAS "
        "file, that of the components which CasaXPS stored with each block, with CasaXPS's own factors. The options "
        "that choose factors, areas and transmission hold for this call; the project file is not changed.",
        parents=[common],
    )
    parser.add_argument("file", type=Path, metavar="PROJECT", help="project, or VAMAS file with CasaXPS components")
    parser.add_argument("--csv", type=Path, metavar="OUT.csv", help="also write all lines and factors as a table")
    parser.add_argument("--json", action="store_true", help="one JSON list, one object a sample")
    parser.add_argument("--wt", action="store_true", help="also print wt.%%")
    parser.add_argument("--ratio", action="append", default=[], metavar="Na/F",
                        help="also print an atomic ratio of elements, lines, components or tags; may be repeated")
    factors = parser.add_argument_group("factors")
    factors.add_argument("--factors", type=Path, metavar="FILE",
                         help="sensitivity factors: csv, text, xlsx or an element library of CasaXPS")
    factors.add_argument("--contains", metavar="sigma,T", default="",
                         help="what these factors contain, of sigma, L, T, lambda, where the file does not say it")
    factors.add_argument("--source", metavar="NAME", default="",
                         help="which factor set of a file that holds several (its name or X-ray source)")
    factors.add_argument("--fallback", action="store_true",
                         help="lines that the factors lack take Scofield's cross-sections, and are marked")
    factors.add_argument("--material", metavar="NAME", help="material in which the mean free path is taken")
    factors.add_argument("--transmission", metavar="FILE|N",
                         help="table of kinetic energy and T, or the power n of T = KE^n for spectra without one")
    factors.add_argument("--area", choices=("components", "region"),
                         help="count all regions by fitted components, or by data minus background")
    errors = parser.add_argument_group("uncertainty")
    errors.add_argument("--bootstrap", type=int, metavar="N", help="errors and intervals from N simulated samples")
    errors.add_argument("--seed", type=int, default=0, help="of the bootstrap (default 0)")
    errors.add_argument("--spread", nargs="?", const=_GROUPS, metavar=_GROUPS,
                        help="range of the amounts when these choices of the model are made otherwise")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Quantify and print.

    Raises
    ------
    NotDetermined
        If no sample has a composition.
    """
    from app.cli.composition import elements_text, lines_text, ratios_text
    from app.files.export import sample_names, write_composition
    from app.project.compose import ratios_of, sample_and_level, studies_of

    project = _prepared(arguments) if is_project(arguments.file) else None
    if project is None and _asks_more(arguments):
        raise BadData("Factors, areas and studies need a project with fits", where=str(arguments.file),
                      todo="Fit the spectra first: sodalite fit")
    tables, names = _of_blocks(arguments.file) if project is None else _of_project(project, arguments)
    if project is not None:
        project = _studied(project, tables, arguments)
        names = sample_names(project)
    if arguments.csv:
        write_composition(arguments.csv, tables, names, project)
    objects = []
    for number, (id, found) in enumerate(tables.items()):
        sample, at = sample_and_level(project, id) if project is not None else (None, None)
        studies = studies_of(sample, found, at) if sample is not None else {}
        ratios, missing = _ratios(sample, found, arguments.ratio, ratios_of)
        if arguments.json:
            objects.append(_object(names[id], found, ratios, studies, missing))
            continue
        print("\n" * (number > 0) + one_line(names[id]) + "\n")
        print(elements_text(found, wt=arguments.wt, studies=studies) + "\n\n" + lines_text(found))
        if ratios:
            print("\n" + ratios_text(ratios))
        for kind, study in studies.items():
            print("\n" + "\n".join([f"{kind[0].upper()}{kind[1:]}:", *(f"  {one_line(n)}" for n in study.notes)]))
        for warning in (*found.warnings, *missing):
            say(f"{one_line(names[id])}: {one_line(warning)}")
    if arguments.json:
        print_json(objects)
    return DONE


def _object(
    name: str, found: Composition, ratios: list[Any], studies: dict[str, Study], missing: list[str]
) -> dict[str, Any]:
    """A composition as plain data."""
    from app.cli.composition import element_objects, line_objects, ratio_objects, study_objects, tag_objects

    return {
        "sample": name, "material": found.material, "composition": element_objects(found),
        "lines": line_objects(found), "tags": tag_objects(found), "ratios": ratio_objects(ratios),
        "studies": study_objects(studies), "warnings": [*found.warnings, *missing],
    }


def _asks_more(arguments: argparse.Namespace) -> bool:
    names = ("factors", "material", "transmission", "area", "bootstrap", "spread")
    return any(getattr(arguments, name) is not None for name in names)


def _ratios(sample: Any, found: Composition, asked: list[str], ratios_of: Any) -> tuple[list[Any], list[str]]:
    from app.project.project import Sample

    base = sample if sample is not None else Sample("", "")
    return ratios_of(replace(base, ratios=tuple(dict.fromkeys((*base.ratios, *asked)))), found)


def _prepared(arguments: argparse.Namespace) -> Project:
    """The project with what the options choose for every sample."""
    from app.project.compose import count_by_regions
    from app.project.factors import transmission_table, with_factor_set

    project = project_in(arguments.file)
    changes: dict[str, Any] = {}
    if arguments.factors is not None:
        factors, notes = _factor_set(arguments)
        for note in notes:
            say(one_line(f"{arguments.factors.name}: {note}"))
        project = with_factor_set(project, factors)
        changes["factors"] = factors.name
    if arguments.fallback:
        changes["fallback"] = True
    if arguments.material is not None:
        from libraries.attenuation import AVERAGE_MATRIX, material

        found = material(arguments.material)
        changes["material"] = "" if found is AVERAGE_MATRIX else found.name
    if arguments.transmission is not None:
        try:
            changes["transmission_exponent"] = float(arguments.transmission)
        except ValueError:
            from app.files.factor_tables import read_transmission

            changes["transmission"] = transmission_table(read_transmission(arguments.transmission))
    for sample in project.samples:
        project = project.with_sample(replace(sample, **changes))
        if arguments.area is not None:
            project = count_by_regions(project, sample.id, arguments.area)
    return project


def _factor_set(arguments: argparse.Namespace) -> tuple[Any, tuple[str, ...]]:
    from app.files.factor_tables import read_factors

    contains = [word for word in arguments.contains.replace(",", " ").split() if word]
    found = read_factors(arguments.factors, contains=contains)
    wanted = arguments.source.casefold()
    chosen = [s for s in found.sets if not wanted or wanted in (s.name.casefold(), s.source.casefold())
              or s.source.casefold().endswith(f"source {wanted}")]
    if len(chosen) != 1:
        listed = ", ".join(s.name for s in found.sets)
        raise BadData("The file holds several factor sets" if not wanted else "The file holds no such factor set",
                      where=str(arguments.factors), todo=f"Choose one with --source: {listed}")
    return chosen[0], found.notes


def _of_project(project: Project, arguments: argparse.Namespace) -> tuple[dict[str, Composition], dict[str, str]]:
    from app.files.export import compositions, sample_names

    names = sample_names(project)
    tables, missing = compositions(project)
    for id, reason in missing.items():
        say(f"{one_line(names[id])}: {one_line(reason)}")
    if not tables:
        why = f": {next(iter(missing.values()))}" if missing and arguments.factors is not None else ""
        raise NotDetermined(f"No sample has a composition{why.rstrip('.')}", where=str(arguments.file),
                            todo="Fit its regions first")
    return tables, names


def _studied(project: Project, tables: dict[str, Composition], arguments: argparse.Namespace) -> Project:
    """The project with the studies that are asked for."""
    from app.project.compose import sample_and_level, study

    wanted: list[tuple[StudyKind, dict[str, Any]]] = []
    if arguments.bootstrap is not None:
        wanted.append(("bootstrap", {"replicas": arguments.bootstrap, "seed": arguments.seed}))
    if arguments.spread is not None:
        groups = [word.strip() for word in arguments.spread.split(",") if word.strip()]
        wanted.append(("model spread", {"groups": groups}))
    for id in tables if wanted else ():
        sample, at = sample_and_level(project, id)
        for kind, options in wanted:
            if sample is None:
                continue
            try:
                with Progress() as progress:
                    project = study(project, sample.id, kind, at, progress=progress, **options)
            except NotDetermined as error:
                say(f"{one_line(sample.name)}: no {kind}: {one_line(str(error))}")
    return project


def _of_blocks(path: Path) -> tuple[dict[str, Composition], dict[str, str]]:
    """Composition of each block that holds components of CasaXPS."""
    from app.project.work import casa_composition

    tables: dict[str, Composition] = {}
    names: dict[str, str] = {}
    spectra = spectra_in(path)
    for index, spectrum in enumerate(spectra):
        try:
            found = casa_composition(spectrum)
        except NotDetermined as error:
            say(f"{one_line(spectrum.name)}: {one_line(str(error))}")
            continue
        if found is not None:
            tables[str(index)] = found
            names[str(index)] = ", ".join(filter(None, (spectrum.meta.sample, spectrum.name)))
    if not tables:
        raise NotDetermined(
            "There is no project and no component of CasaXPS to quantify",
            where=str(path),
            todo="Fit the spectra first: sodalite fit, or the window",
        )
    return tables, names
