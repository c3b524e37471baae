"""`sodalite batch`: one model fitted to many spectra, on this machine or on a Dask cluster."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli import folder
from app.cli.fit import model_of
from app.cli.inputs import check_target, spectra_in
from app.cli.output import Progress, print_json, table
from app.cli.status import DONE, NOT_DONE, say
from libraries.errors import BadFile, CannotWrite, SodaliteError, UnknownName

if TYPE_CHECKING:
    from app.files.batch_results import BatchResults
    from fitting.batch import BatchJob, BatchSummary, Series
    from fitting.dataset import Axis, Noise, Spectrum
    from fitting.model import FitModel

_SUFFIXES = (".h5", ".hdf5")


def add(commands: Any, common: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Declare the command."""
    parser = commands.add_parser(
        "batch",
        help="fit one model to many spectra: images, profiles, files, folders",
        description="To OUT.h5: fit one model to every spectrum of an image or profile (HDF5, .npy), or of several "
        "files and blocks on one axis, and write values, errors and status as maps into an HDF5 file. Data may be "
        "larger than memory. To OUT.sodalite: apply a template to every file (or all files of a folder), fit and "
        "quantify each, and write one project, OUT.csv with a row for each file or level, and OUT-failures.csv. "
        "What is interrupted goes on with --resume. Status 1 if something could not be fitted.",
        parents=[common],
    )
    parser.add_argument(
        "source", type=Path, nargs="+", metavar="SOURCE", help="one image or profile, or files, or a folder"
    )
    model = parser.add_mutually_exclusive_group(required=True)
    model.add_argument("--model", type=Path, metavar="MODEL.json", help="region, background and components")
    model.add_argument("--template", metavar="NAME", help="a template that the program or you have stored")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="OUT.h5 or OUT.sodalite")
    parser.add_argument("--csv", type=Path, metavar="OUT.csv", help="also write the results as a table")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")
    _add_data(parser.add_argument_group("data"))
    work = parser.add_argument_group("work")
    work.add_argument("--resume", action="store_true", help="go on with the results that OUT holds already")
    work.add_argument("--workers", type=_whole, metavar="N", help="threads; default: all cores")
    work.add_argument("--chunk", type=_whole, metavar="N", help="spectra in a chunk; default: by their length")
    work.add_argument(
        "--scheduler", metavar="ADDRESS",
        help="let the workers of a Dask cluster do the work (tcp://host:8786); needs sodalite[cluster]",
    )  # fmt: skip
    work.add_argument("--errors-only", action="store_true", help="leave out the covariances")
    work.add_argument("--cold", action="store_true", help="start every fit from the model, not from its neighbour")
    return parser


def _add_data(group: Any) -> None:
    group.add_argument("--dataset", metavar="/PATH", help="array of an HDF5 file, energies along its last dimension")
    axis = group.add_mutually_exclusive_group()
    axis.add_argument("--energies", metavar="/PATH", help="the axis in the same HDF5 file")
    axis.add_argument(
        "--axis", nargs=3, metavar=("START", "STEP", "UNIT/QUANTITY"),
        help="the axis of a plain array, for example 280 0.1 eV/binding_energy; a step below zero descends",
    )  # fmt: skip
    group.add_argument(
        "--quantity", type=_quantity, metavar="UNIT/QUANTITY", help="what --energies are, if the file does not say it"
    )
    group.add_argument(
        "--noise", type=_noise, metavar="NOISE",
        help="poisson (plain counts), poisson:GAIN, proportional, gaussian:SIGMA or unknown; default: as the file "
        "says, unknown for plain arrays",
    )  # fmt: skip
    group.add_argument("--spectrum", metavar="NAME", help="of files with several spectra only those of this name")


def run(arguments: argparse.Namespace) -> int:
    """Read, fit, write, print."""
    if folder.wanted(arguments):
        return folder.run(arguments)
    from app.files.batch_results import status_counts, write_results_csv
    from fitting.batch import BatchJob, check_job, fit_many, settled

    _check_output(arguments)
    model = model_of(arguments)
    series = _series(arguments, model)
    covariance = False if arguments.errors_only else None
    job = BatchJob(series.axis, series.noise, model, covariance, warm=not arguments.cold, rows=arguments.chunk)
    # An impossible job must not leave a file behind.
    check_job(job)
    with Progress() as progress:
        job = settled(job, progress=progress)
    fresh = not arguments.output.exists()
    results = _results(arguments, series, job)
    try:
        with Progress() as progress:
            summary = fit_many(
                series.source, job, results,
                workers=arguments.workers, scheduler=arguments.scheduler, progress=progress,
            )  # fmt: skip
    except KeyboardInterrupt:
        say(f"What is finished is in {arguments.output}; --resume goes on from there.")
        raise
    except SodaliteError:
        if fresh and results.empty:
            arguments.output.unlink()
        raise
    if arguments.csv:
        write_results_csv(arguments.csv, arguments.output)
    return _print(arguments, summary, status_counts(arguments.output))


def _check_output(arguments: argparse.Namespace) -> None:
    target = arguments.output
    if target.suffix.lower() not in _SUFFIXES:
        raise CannotWrite("The results of a batch are HDF5", where=str(target), todo="Give a name ending in .h5")
    for source in arguments.source:
        check_target(target, source)
        if arguments.csv:
            check_target(arguments.csv, source)
    if target.exists() and not arguments.resume:
        raise CannotWrite(
            "The file exists already", where=str(target), todo="Go on with it by --resume, or choose another name"
        )


def _results(arguments: argparse.Namespace, series: Series, job: BatchJob) -> BatchResults:
    from app.files.batch_results import BatchResults

    if arguments.output.exists():
        return BatchResults.resume(arguments.output, series, job)
    return BatchResults.create(arguments.output, series, job)


def _print(arguments: argparse.Namespace, summary: BatchSummary, counts: dict[str, int]) -> int:
    """The summary of all spectra, those of earlier runs included; the exit status."""
    from fitting.batch import STATUSES

    total = sum(counts.values())
    failed = {name: number for name, number in counts.items() if name not in STATUSES[:2]}
    if arguments.json:
        print_json(
            {
                "files": [str(path) for path in arguments.source],
                "output": str(arguments.output),
                "spectra": total,
                "statuses": counts,
                "failed": sum(failed.values()),
                "fitted_now": summary.spectra,
                "seconds": summary.seconds,
                "spectra_per_second": summary.per_second,
            }
        )
    else:
        print(table(("Status", "Spectra"), [(name, str(number)) for name, number in counts.items()], right=(1,)))
        print(f"\n{summary.spectra} spectra in {summary.seconds:.1f} s ({summary.per_second:.0f} a second)")
        print(arguments.csv or arguments.output)
    if failed:
        kinds = ", ".join(f"{number} {name}" for name, number in failed.items())
        say(f"{sum(failed.values())} of {total} spectra have no proper minimum: {kinds}.")
        return NOT_DONE
    return DONE


# --------------------------------------------------------------------------------------------------------------- data


def _series(arguments: argparse.Namespace, model: FitModel) -> Series:
    """The spectra that are meant.

    Raises
    ------
    BadFile, BadData, UnknownName
        If they cannot be read, do not belong together, or it is not clear which ones are meant.
    """
    from app.files import arrays
    from app.files.contents import read_head

    series: Series | None = None
    path = arguments.source[0]
    if len(arguments.source) == 1:
        head = read_head(path)
        if head.startswith(arrays.NUMPY):
            series = _plain_array(arguments, path, "")
        elif head.startswith(arrays.HDF5):
            series = _of_hdf5(arguments, path)
    elif arguments.dataset:
        raise UnknownName("--dataset names an array of one file, and there are several", todo="Give one file")
    if series is None:
        return _of_spectra(arguments, model)
    return replace(series, noise=arguments.noise) if arguments.noise else series


def _of_hdf5(arguments: argparse.Namespace, path: Path) -> Series | None:
    """An array of an HDF5 file; None for a file of ours that holds single spectra."""
    from app.files.stored_series import series_in, stored_series

    known = stored_series(path)
    name = arguments.dataset
    if name is None and known:
        stacks = [dataset for dataset, (axes, _, meta) in known.items() if len(axes) > 1 and _named(meta, arguments)]
        if len(stacks) > 1:
            raise UnknownName(
                f"The file holds {len(stacks)} images or profiles", where=str(path),
                todo=f"Choose one by --dataset: {', '.join(stacks)}",
            )  # fmt: skip
        if not stacks:
            return None
        name = stacks[0]
    if name is None:
        raise BadFile(
            "The file does not say where its spectra are", where=str(path), todo="Name the array by --dataset /PATH"
        )
    if "/" + name.strip("/") in known and not (arguments.energies or arguments.axis):
        return series_in(path, name)
    return _plain_array(arguments, path, name)


def _named(meta: Any, arguments: argparse.Namespace) -> bool:
    return arguments.spectrum is None or arguments.spectrum in (meta.region, meta.title)


def _plain_array(arguments: argparse.Namespace, path: Path, dataset: str) -> Series:
    """An array that knows nothing of its axis and noise."""
    from app.files.arrays import axis_in, file_array
    from fitting.batch import Series
    from fitting.dataset import Noise

    source = file_array(path, dataset)
    if arguments.energies and dataset:
        unit, quantity = arguments.quantity or ("", "")
        axis, reverse = axis_in(path, arguments.energies, quantity, unit)
    elif arguments.axis:
        axis, reverse = _axis(arguments.axis, source.shape[-1])
    else:
        raise BadFile(
            "The array does not say what its axis is",
            where=str(path),
            todo="Say it by --axis START STEP UNIT/QUANTITY" + (" or --energies /PATH" if dataset else ""),
        )
    counted = arguments.noise is not None and arguments.noise.kind == "poisson"
    unit = "counts" if counted else "arbitrary"
    return Series(source.reversed_if(reverse), axis, Noise(origin="user"), intensity_unit=unit)


def _axis(words: list[str], n: int) -> tuple[Axis, bool]:
    import numpy as np

    from app.files.arrays import axis_of

    try:
        start, step = float(words[0]), float(words[1])
        unit, quantity = _quantity(words[2])
    except (ValueError, argparse.ArgumentTypeError) as error:
        what = f"This is no axis: {' '.join(words)}"
        raise UnknownName(what, todo="For example 280 0.1 eV/binding_energy") from error
    return axis_of(start + step * np.arange(n), quantity, unit)


def _of_spectra(arguments: argparse.Namespace, model: FitModel) -> Series:
    """Single spectra of all files, or the one image that they hold."""
    from fitting.batch import ArrayData, Series, spectra_of_files
    from fitting.stored import Stored

    spectra: list[Spectrum] = [
        replace(spectrum, meta=replace(spectrum.meta, file=str(path)))
        for path in arguments.source
        for spectrum in spectra_in(path)
        # Curves that another program fitted stand beside the data in its exports.
        if _named(spectrum.meta, arguments) and not spectrum.curve
    ]
    if arguments.spectrum is not None and not spectra:
        raise UnknownName(f"No spectrum is called '{arguments.spectrum}'", todo="List them by `sodalite info`")
    if arguments.noise:
        spectra = [spectrum.with_(noise=arguments.noise) for spectrum in spectra]
    if len(spectra) == 1 and spectra[0].navigation:
        one = spectra[0]
        source = one.counts if isinstance(one.counts, Stored) else ArrayData(one.counts)
        return Series(source, one.axis, one.noise, one.navigation, (), one.meta.intensity_unit)
    return spectra_of_files(spectra, model.region)


# ---------------------------------------------------------------------------------------------------------- arguments


def _whole(text: str) -> int:
    """A whole number above zero."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no whole number above zero")
    return number


def _quantity(text: str) -> tuple[str, str]:
    """Unit and quantity of "eV/binding_energy"; "binding_energy" has its usual unit."""
    from app.files.arrays import default_unit
    from fitting.dataset import AXIS_LABELS

    unit, _, quantity = text.rpartition("/")
    if quantity not in AXIS_LABELS:
        raise argparse.ArgumentTypeError(f"'{quantity}' is no axis; use one of {', '.join(AXIS_LABELS)}")
    return unit or default_unit(quantity), quantity


def _noise(text: str) -> Noise:
    """The user's word on the noise."""
    from fitting.dataset import Noise
    from libraries.errors import BadData

    kind, _, size = text.partition(":")
    try:
        number = float(size) if size else None
        if kind == "poisson":
            return Noise("poisson", 1.0 if number is None else number, origin="user")
        if kind == "gaussian" and number:
            return Noise("gaussian", None, number, origin="user")
        if kind in ("proportional", "unknown") and not size:
            return Noise("poisson" if kind == "proportional" else "unknown", None, origin="user")
    except (ValueError, BadData):
        pass
    raise argparse.ArgumentTypeError(
        f"'{text}' is no noise; use poisson, poisson:GAIN, proportional, gaussian:SIGMA or unknown"
    )
