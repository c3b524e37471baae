"""`sodalite convert`: the spectra of a file in another format."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.inputs import check_target, is_project, project_in, spectra_in
from app.cli.status import DONE, say
from libraries.errors import CannotWrite

if TYPE_CHECKING:
    from fitting.dataset import Spectrum

HDF5 = (".h5", ".hdf5", ".nxs")
CSV = (".csv",)
VAMAS = (".vms", ".vamas")
MSA = (".msa",)
HYPERSPY = (".hspy",)


def add(commands: Any, common: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Declare the command."""
    parser = commands.add_parser(
        "convert",
        help="write the spectra of a file in another format",
        description="Write the spectra of a file as HDF5 (NeXus), CSV, VAMAS, EMSA/MAS (.msa) or HyperSpy (.hspy); the "
        "ending of OUT says which. CSV, EMSA/MAS and HyperSpy hold one spectrum or image a file: of several, each gets "
        "a number and its name behind OUT. EMSA/MAS holds no images.",
        parents=[common],
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="data file or project")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="OUT",
        help="OUT.h5, OUT.csv, OUT.vms, OUT.msa or OUT.hspy; prints its name",
    )  # fmt: skip
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Read, write, print what was written."""
    source, target = arguments.file, arguments.output
    suffix = target.suffix.lower()
    if suffix not in (*HDF5, *CSV, *VAMAS, *MSA, *HYPERSPY):
        raise CannotWrite(
            f"A file ending in '{suffix}' cannot be written", where=str(target),
            todo="Use .h5, .csv, .vms, .msa or .hspy",
        )  # fmt: skip
    check_target(target, source)
    if is_project(source) and suffix in VAMAS:
        from app.files.export import write_vamas_file

        print(write_vamas_file(project_in(source), target, say))
        return DONE
    if is_project(source):
        spectra = [entry.processed() for entry in project_in(source).entries]
        say("The spectra of a project are written after their recipes (charge reference and others).")
    else:
        spectra = spectra_in(source)
    for path in _write(target, spectra, suffix):
        print(path)
    return DONE


def _write(target: Path, spectra: list[Spectrum], suffix: str) -> list[Path]:
    if suffix in HDF5:
        from app.files.nexus_writer import write_nexus

        write_nexus(target, spectra)
    elif suffix in VAMAS:
        from app.files.vamas_writer import write_vamas

        write_vamas(target, spectra)
    elif suffix in MSA:
        from app.files.msa_writer import write_msa

        return _write_each(target, spectra, write_msa, "EMSA/MAS")
    elif suffix in HYPERSPY:
        from app.files.hspy_writer import write_hspy

        return _write_each(target, spectra, write_hspy, "HyperSpy")
    else:
        from app.files.csv_writer import write_csv

        return _write_each(target, spectra, write_csv, "CSV")
    return [target]


def _write_each(
    target: Path, spectra: list[Spectrum], write: Callable[[Path, Spectrum], None], kind: str
) -> list[Path]:
    """One file, or one for each of several spectra."""
    if len(spectra) == 1:
        write(target, spectra[0])
        return [target]
    say(f"{kind} holds one spectrum a file, and there are {len(spectra)}: each is written to a file of its own.")
    digits = len(str(len(spectra)))
    written = []
    for number, spectrum in enumerate(spectra, start=1):
        name = re.sub(r"[^\w\-+.]+", "_", spectrum.name).strip("_.")[:60]
        path = target.with_name(f"{target.stem}-{number:0{digits}d}-{name or 'spectrum'}{target.suffix}")
        write(path, spectrum)
        written.append(path)
    return written
