"""`sodalite templates`: the templates there are, and what is in them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.output import print_json, table
from app.cli.status import DONE, NOT_DONE, one_line, say
from libraries.errors import CannotWrite, SodaliteError

if TYPE_CHECKING:
    from app.project.template import Template


def add(commands: Any, common: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Declare the command."""
    parser = commands.add_parser(
        "templates",
        help="list, show, share templates",
        description="List the templates for `sodalite fit` and `sodalite batch`: those of the program and your own. "
        "With a name, show what is in it.",
        parents=[common],
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="show this template")
    job = parser.add_mutually_exclusive_group()
    job.add_argument("--import", dest="taken", type=Path, metavar="FILE", help="take a template file into your own")
    job.add_argument("--export", dest="given", type=Path, metavar="FILE", help="write the template NAME to a file")
    parser.add_argument("--json", action="store_true", help="print as JSON")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """List, show, import or export."""
    from app.project import template_file

    if arguments.taken:
        template = template_file.load(arguments.taken)
        print(template_file.keep(template))
        return DONE
    if arguments.given and not arguments.name:
        say("Name the template to export: sodalite templates NAME --export FILE")
        return NOT_DONE
    if arguments.name:
        template = template_file.get(arguments.name)
        if arguments.given:
            if arguments.given.exists():
                raise CannotWrite("The file exists already", where=str(arguments.given), todo="Choose another name")
            template_file.save(template, arguments.given)
            print(arguments.given)
        elif arguments.json:
            print_json(_object(template, arguments.name))
        else:
            _show(template)
        return DONE
    return _list(arguments.json)


def _list(as_json: bool) -> int:
    from app.project import template_file

    status, rows, objects = DONE, [], []
    for name in template_file.names():
        try:
            template = template_file.get(name)
        except SodaliteError as error:
            say(one_line(str(error)))
            status = NOT_DONE
            continue
        objects.append(_object(template, name))
        owner = "yours" if template_file.is_own(name) else "program"
        rows.append((name, owner, ", ".join(one_line(r.key) for r in template.regions), one_line(template.note)))
    if as_json:
        print_json(objects)
    elif rows:
        print(table(("Template", "From", "Regions", "Note"), rows))
    else:
        print(f"There are no templates yet. Yours belong into {template_file.folders()[0]}")
    return status


def _object(template: Template, name: str) -> dict[str, Any]:
    from app.project import template_file
    from app.project.template import reference_words

    return {
        "name": name,
        "from": "user" if template_file.is_own(name) else "program",
        "note": template.note,
        "reference": reference_words(template) or None,
        "material": template.material or None,
        "regions": [
            {
                "name": r.key, "spectrum": r.spectrum, "low": r.model.region[0], "high": r.model.region[1],
                "background": r.model.background.kind,
                "components": [
                    {"name": c.name, "line": c.line, "position": c.value("position"), "source": c.source}
                    for c in r.model.components
                ],
            }
            for r in template.regions
        ],
    }


def _show(template: Template) -> None:
    from app.project.template import reference_words

    print(one_line(template.name))
    if template.note:
        print(one_line(template.note))
    if template.reference is not None:
        print(f"Charge reference: {one_line(reference_words(template))}")
    if template.material:
        print(f"Material: {one_line(template.material)}")
    for region in template.regions:
        low, high = region.model.region
        print(f"\n{one_line(region.key)}: {low:g} to {high:g} eV, background {region.model.background.kind}")
        rows = [(one_line(c.name), c.line, f"{c.value('position'):.2f}", c.shape, one_line(c.source))
                for c in region.model.components]
        print(table(("Component", "Line", "Position", "Shape", "Source"), rows, right=(2,)))
