"""`sodalite maps`: maps of energy windows of a spectrum image."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.inputs import check_target, everything_in
from app.cli.output import Progress, print_json, table
from app.cli.status import DONE, say
from libraries.errors import BadData, UnknownName

if TYPE_CHECKING:
    from app.project.maps import Request
    from app.project.project import Entry, Project
    from fitting.image.maps import Map
    from fitting.image.windows import Window

HDF5, FIGURES = (".h5", ".hdf5", ".nxs"), (".png", ".svg", ".pdf")
KEYS = ("sum", "ratio", "jump", "three", "snr", "centre", "maximum")


def add(commands: Any, common: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Declare the command."""
    parser = commands.add_parser(
        "maps",
        help="maps of energy windows of a spectrum image",
        description="Sum the channels of energy windows in every pixel, or compute from windows a ratio, a jump ratio, "
        "an edge above a power law through two windows before it (three), signal to noise, the centre of gravity or "
        "the position of the maximum; with errors and flags.",
        epilog="Windows of ratio and jump: above, below; of three: first and second before the edge, edge.",
        parents=[common],
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="a spectrum image, or a project")
    parser.add_argument("--spectrum", metavar="NAME", help="which image (default: the only one)")
    parser.add_argument("--quantity", choices=KEYS, default="sum", help="what is computed (default: sum)")
    parser.add_argument("--preset", metavar="NAME", action="append", default=[],
                        help="ZLP, 4-6, 28-32, 30-34, 272-294 or all; may be repeated (default: all on the axis)")
    parser.add_argument("--window", metavar=("LOW", "HIGH"), nargs=2, type=float, action="append", default=[],
                        help="limits in eV; may be repeated")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT",
                        help="OUT.h5, OUT.csv, OUT.png (.svg, .pdf), or a folder for TIFF files; prints its name")
    parser.add_argument("--json", action="store_true", help="numbers of the maps as JSON")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Read, compute, write, print.

    Raises
    ------
    BadData, NotDetermined, UnknownName
        What does not fit, before anything is written.
    """
    from app.project.map_numbers import statistics
    from app.project.maps import window_maps

    check_target(arguments.output, arguments.file)
    project = everything_in(arguments.file)
    entry = image_in(project, arguments.spectrum)
    image = entry.processed()
    with Progress() as bar:
        maps = window_maps(image, _request(arguments, image), bar)
    written = _write(arguments.output, maps, entry)
    numbers = [(one, statistics(one)[0]) for one in maps]
    if arguments.json:
        print_json([{"name": one.name, "unit": one.unit, "mean": s.mean, "mean_err": s.error, "sd": s.sd,
                     "percentiles": dict(zip(("0", "5", "50", "95", "100"), s.percentiles, strict=True)),
                     "pixels": s.pixels, "left_out": s.left_out, "origin": one.origin} for one, s in numbers])
        return DONE
    print(_table(numbers))
    for text in dict.fromkeys(one.origin.rpartition("; ")[2] for one in maps):
        say(f"{text[0].upper()}{text[1:]}.")
    for path in written:
        print(path)
    return DONE


def _table(numbers: list[Any]) -> str:
    from app.numerals import with_error

    rows = [(one.name, one.unit or "–", with_error(s.mean, s.error), f"{s.sd:.4g}", f"{s.percentiles[1]:.4g}",
             f"{s.percentiles[3]:.4g}", str(s.pixels), str(s.left_out)) for one, s in numbers]
    return table(("Map", "Unit", "Mean", "SD", "5 %", "95 %", "Pixels", "Left out"), rows, right=(2, 3, 4, 5, 6, 7))


def image_in(project: Project, name: str | None) -> Entry:
    """The image of that name, or the only one.

    Raises
    ------
    BadData
        If there is none, or more than one and no name.
    UnknownName
    """
    if name is not None:
        entry = project.find(name)
        if not entry.spectrum.navigation:
            raise BadData("This is a single spectrum, which has no maps", where=entry.title)
        return entry
    images = [entry for entry in project.entries if entry.spectrum.navigation]
    if len(images) != 1:
        there = ", ".join(entry.title for entry in images)
        raise BadData("There is no spectrum image" if not images else "There are several images", where=project.name,
                      todo=f"Choose one with --spectrum: {there}" if images else "Give a file with an image or series")
    return images[0]


def _request(arguments: argparse.Namespace, image: Any) -> Request:
    from app.project.maps import Request, quantity
    from fitting.image.windows import Window, preset_windows

    windows = [preset(name, image) for name in arguments.preset if name != "all"]
    if "all" in arguments.preset or not (arguments.preset or arguments.window):
        windows += preset_windows(image.axis)
    windows += [Window("", "", low, high) for low, high in arguments.window]
    if not windows:
        raise BadData("None of the presets lies on the axis", where=image.name, todo="Give --window LOW HIGH")
    roles = quantity(arguments.quantity).roles
    if roles and len(windows) != len(roles):
        raise BadData(f"{quantity(arguments.quantity).title} takes {len(roles)} windows, and there are {len(windows)}",
                      where="--window", todo=f"Give in this order: {'; '.join(roles).lower()}")
    return Request(arguments.quantity, tuple(windows))


def preset(name: str, image: Any) -> Window:
    """A preset by the beginning of its name, with any dash.

    Raises
    ------
    UnknownName
        If there is none, or it does not lie on the axis.
    """
    from fitting.image.windows import PRESETS, preset_windows

    wanted = name.replace("-", "–").casefold()
    found = [window for window in preset_windows(image.axis) if window.title.casefold().startswith(wanted)]
    if len(found) != 1:
        known = any(title.casefold().startswith(wanted) for title, *_ in PRESETS)
        there = ", ".join(window.title for window in preset_windows(image.axis)) or "none"
        raise UnknownName(f"The preset {name} does not lie on the axis" if known else f"There is no preset {name}",
                          where=image.name, todo=f"On this axis there are: {there}")
    return found[0]


def _write(target: Path, maps: tuple[Map, ...], entry: Entry) -> list[Path]:
    from app.files.map_tables import write_maps_csv, write_maps_hdf5, write_tiffs

    navigation, suffix = entry.spectrum.navigation, target.suffix.lower()
    if suffix in HDF5:
        return [write_maps_hdf5(target, maps, navigation)]
    if suffix == ".csv":
        return [write_maps_csv(target, maps, navigation)]
    if suffix in FIGURES:
        from app.files.figures import save_figure
        from app.files.map_figures import map_figure

        return [save_figure(map_figure(maps, navigation), target)]
    if suffix:
        raise BadData(f"Maps cannot be written as '{suffix}'", where=str(target),
                      todo="Use .h5, .csv, .png, .svg, .pdf or a folder")
    return write_tiffs(target, maps, navigation)
