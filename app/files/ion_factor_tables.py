"""Tables of the factors of ions: amounts along the depth with errors and bands, spectra by ion, figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from app.files.csv_table import write_table
from app.project.project import Entry
from fitting.factors.kept import KeptFactors

FIGURES = ("figure", "value")
NAMES = ("factor_profiles", "factor_spectra", "factor_figures")


def write_ion_factors(folder: str | Path, entry: Entry, about: KeptFactors, before: str = "") -> list[Path]:
    """Write one analysis into a folder, which is made where it is missing.

    Parameters
    ----------
    before : str
        What the names of the files begin with.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    CannotWrite
        If a file cannot be written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    tables = (profile_table(entry, about), spectra_table(about), (FIGURES, list(figure_rows(about))))
    for name, (columns, rows) in zip(NAMES, tables, strict=True):
        if rows:
            path = folder / f"{before}{name}.csv"
            write_table(path, columns, rows)
            made.append(path)
    return made


def profile_table(entry: Entry, about: KeptFactors) -> tuple[tuple[str, ...], list[Sequence[Any]]]:
    """A row for each point of the depth: its place on every scale, and of each factor counts, error, limits, share."""
    spectrum = entry.spectrum
    if not about.amounts.size or about.amounts.shape[1] != len(spectrum.navigation[0]):
        return (), []
    axes = (spectrum.navigation[0], *spectrum.scales)
    columns = {f"{axis.quantity} [{axis.unit}]" if axis.unit else axis.quantity: axis.values for axis in axes}
    for index, name in enumerate(_unlike(about.names)):
        columns[f"{name} [counts]"] = about.amounts[index]
        for word, array in (("error", about.errors), ("least", about.low), ("most", about.high)):
            if array.size:
                columns[f"{name}, {word} [counts]"] = array[index]
        if about.closed:
            columns[f"{name}, share"] = about.amounts[index] / about.yields[index]
    rows = [[float(value) for value in row] for row in zip(*columns.values(), strict=True)]
    return tuple(columns), rows


def spectra_table(about: KeptFactors) -> tuple[tuple[str, ...], list[Sequence[Any]]]:
    """A row for each ion: of each factor the share of its counts, and its limits."""
    columns: dict[str, Any] = {"channel": [place + 1 for place in about.places], "ion": list(about.labels)}
    for index, name in enumerate(_unlike(about.names)):
        columns[name] = about.spectra[index].tolist()
        if about.low_spectra.size:
            columns[f"{name}, least"] = about.low_spectra[index].tolist()
            columns[f"{name}, most"] = about.high_spectra[index].tolist()
    return tuple(columns), [list(row) for row in zip(*columns.values(), strict=True)]


def figure_rows(about: KeptFactors) -> Iterator[Sequence[Any]]:
    """How well the factors fit, how many there may be, what was asked of them."""
    yield "analysis", about.title
    yield "analysed", about.range_words
    yield "Poisson scaling", about.poisson
    yield "constraints", "; ".join(("zero or above", *about.constraints)) if about.method != "pca" else ""
    yield "lack of fit [%]", about.lof
    yield "least possible lack of fit [%]", about.lof_bound
    yield "explained [%]", about.explained
    yield "chi2/dof", about.chi2
    yield "iterations", about.iterations
    yield "ended", about.status
    for test, answer in about.tests:
        yield f"number of factors: {test}", answer
    for index, name in enumerate(_unlike(about.names)):
        if about.shares.size:
            yield f"{name}: least share of the signal", float(about.shares[index, 0])
            yield f"{name}: largest share of the signal", float(about.shares[index, 1])
        if about.closed:
            yield f"{name}: total yield [counts]", float(about.yields[index])
            yield f"{name}: its standard error [counts]", float(about.yield_errors[index])
    if about.ambiguity:
        yield "bands", about.ambiguity


def _unlike(names: Sequence[str]) -> list[str]:
    """Names, numbered where two are the same."""
    return [f"{name} ({number})" if list(names).count(name) > 1 else name for number, name in enumerate(names, 1)]
