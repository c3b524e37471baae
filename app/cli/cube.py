"""`sodalite cube`: a ToF-SIMS measurement as a cube of ions in an HDF5 file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.output import Progress
from app.cli.status import DONE
from libraries.errors import BadData

if TYPE_CHECKING:
    from fitting.sims.setup import MassPeak


def add(commands: Any, common: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Declare the command."""
    parser = commands.add_parser(
        "cube",
        help="make a cube of ions (ToF-SIMS) from text files, imzML or raw data",
        description="Read SurfaceLab's 3D ASCII export (one file an ion, lines of x, y, z and counts; a folder stands "
        "for its text files), an imzML file, or IONTOF raw data (GRD), and write counts of scans, rows, columns and "
        "ions as HDF5. imzML and GRD need a peak list, GRD also a mass scale.",
        parents=[common],
    )
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="text files, a folder, or one .imzML, .grd")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="CUBE.h5", help="prints its name")
    parser.add_argument("--name", default="", help="name of the cube")
    parser.add_argument("--sample", default="", help="name of the sample")
    parser.add_argument("--pixel", type=float, default=0.0, metavar="UM", help="width of a pixel in µm")
    parser.add_argument("--scan-time", type=float, default=0.0, metavar="S", help="sputter time of a scan in s")
    parser.add_argument("--polarity", choices=("positive", "negative"), default="", help="of the ions")
    parser.add_argument("--size", type=int, nargs=3, metavar=("COLUMNS", "ROWS", "SCANS"),
                        help="of the measurement, where the text files do not list every voxel")
    parser.add_argument("--first", type=int, choices=(0, 1), default=0,
                        help="what the text files call the first pixel and scan (default: 0)")
    parser.add_argument("--peaks", type=Path, metavar="LIST", help="peak list: name, m/z, low, high")
    parser.add_argument("--scale", type=float, nargs=2, metavar=("SF", "K0"),
                        help="mass scale of raw data: channel = SF sqrt(m/z) + K0")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Import, print what was written."""
    from app.files.cube_import import import_cube
    from app.files.cube_store import CubeSettings

    numbers = [arguments.pixel, arguments.scan_time, *(arguments.size or [])]
    if any(not 0 <= number < 1e9 for number in numbers) or (arguments.size and min(arguments.size) < 1):
        raise BadData("Sizes and times must be above zero", where="--pixel, --scan-time, --size")
    settings = CubeSettings(
        arguments.name, arguments.pixel, arguments.scan_time, arguments.polarity,
        tuple(arguments.size) if arguments.size else None, arguments.first, arguments.sample,
    )  # fmt: skip
    with Progress() as progress:
        written = import_cube(
            arguments.files, arguments.output, settings, peaks=_peaks(arguments.peaks),
            scale=tuple(arguments.scale) if arguments.scale else None, progress=progress,
        )  # fmt: skip
    print(written)
    return DONE


def _peaks(path: Path | None) -> tuple[MassPeak, ...]:
    if path is None:
        return ()
    from app.files.peak_list import read_peaks

    return read_peaks(path)
