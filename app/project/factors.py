"""Sensitivity factors and transmission as a sample uses them: the project's factor sets, the user's T, KE^n."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from app.project.project import Project, Sample
from fitting.xps.areas import Areas, LineArea
from libraries.attenuation import NON_DIPOLE_FROM
from libraries.errors import BadData, NotDetermined, SodaliteError, UnknownName
from libraries.sensitivity import SCOFIELD, Factor, FactorSet, check_factors, scofield

USER_TABLE = "the user's transmission table"
_SAME_SOURCE = 1.0  # eV, within which photon energies are the same line


def factor_set(project: Project, name: str) -> FactorSet:
    """A factor set of the project by its name.

    Raises
    ------
    UnknownName
        If the project has none of that name.
    """
    for known, text in project.factor_sets:
        if known == name:
            return FactorSet.from_csv(text, where=name)
    listed = ", ".join(known for known, _ in project.factor_sets) or "none"
    raise UnknownName(f"The project has no factor set '{name}'", todo=f"Import it first; there are: {listed}")


def with_factor_set(project: Project, factors: FactorSet) -> Project:
    """The project with a factor set added, or replaced where its name is taken."""
    others = tuple(pair for pair in project.factor_sets if pair[0] != factors.name)
    return replace(project, factor_sets=(*others, (factors.name, factors.to_csv())))


def without_factor_set(project: Project, name: str) -> Project:
    """The project without a factor set; samples that used it go back to Scofield's cross-sections."""
    factor_set(project, name)
    samples = tuple(replace(s, factors="") if s.factors == name else s for s in project.samples)
    return replace(project, samples=samples, factor_sets=tuple(p for p in project.factor_sets if p[0] != name))


def lint(project: Project, sample: Sample, lines: Sequence[LineArea] = ()) -> tuple[str, ...]:
    """What is odd about a sample's factor set: swapped or mis-tagged rows, its norm, lines it lacks."""
    if not sample.factors:
        return ()
    factors = factor_set(project, sample.factors)
    missing = dict.fromkeys(line.line.name for line in lines if not _has(factors, line))
    found = [*check_factors(factors)]
    if missing:
        found.append(f"It has no row for {', '.join(missing)}.")
    return tuple(found)


def _has(factors: FactorSet, line: LineArea) -> bool:
    try:
        factors.factor(line.line)
    except NotDetermined:
        return False
    return True


def treated(areas: Areas, project: Project, sample: Sample) -> Areas:
    """Line areas with the factors and transmissions that the sample is set to use.

    Raises
    ------
    NotDetermined
        If its factor set lacks a line, and Scofield's may not stand in or cannot.
    BadData
        If the user's transmission is not above zero.
    """
    lines = [_with_transmission(line, sample) for line in areas.lines]
    if not sample.factors:
        return replace(areas, lines=tuple(lines))
    factors = factor_set(project, sample.factors)
    warnings = [f"Factor set {factors.name}: {text}" for text in check_factors(factors)]
    missing = list(dict.fromkeys(line.line.name for line in lines if line.factor is None and not _has(factors, line)))
    if missing and not sample.fallback:
        raise NotDetermined(
            f"The factor set '{factors.name}' has no row for {', '.join(missing)}", where=sample.name,
            todo="Add the rows, leave these components out, or let Scofield's cross-sections stand in",
        )
    if missing:
        warnings.append(f"{', '.join(missing)}: not in the factor set {factors.name}; Scofield's cross-sections stand "
                        "in, on its scale.")
    energies = {line.photon_energy for line in lines}
    if any(abs(energy - factors.photon_energy) > _SAME_SOURCE for energy in energies):
        measured = ", ".join(f"{energy:g}" for energy in sorted(energies))
        warnings.append(f"The factor set {factors.name} is for {factors.photon_energy:g} eV, the spectra were measured "
                        f"with {measured} eV.")
    done = tuple(line if line.factor is not None else replace(line, factor=_factor(factors, line)) for line in lines)
    return replace(areas, lines=done, warnings=(*areas.warnings, *warnings))


def _factor(factors: FactorSet, line: LineArea) -> Factor:
    try:
        found = factors.factor(line.line)
    except NotDetermined:
        return _stand_in(factors, line)
    if line.kinetic_energy > NON_DIPOLE_FROM:
        words = "Above 3 keV kinetic energy non-dipole terms of the angular distribution are missing"
        found = replace(found, warnings=(*found.warnings, words))
    return found


def _stand_in(factors: FactorSet, line: LineArea) -> Factor:
    """Scofield's cross-section of a line on the scale of a factor set.

    Only a set of bare cross-sections has such a scale: one that holds T or lambda is relative to these at its
    normalising line, which Scofield's numbers know nothing of.
    """
    extra = [item for item in factors.contains if item not in ("sigma", "L")]
    if extra:
        raise NotDetermined(
            f"Scofield's cross-section cannot stand in for {line.line.name}: the factors of '{factors.name}' hold "
            f"{' and '.join(extra)} as well", todo="Add the row to the set, or leave the component out",
        )
    try:
        norm = scofield(factors.normalised_to, line.photon_energy).value
        found = scofield(line.line, line.photon_energy)
    except SodaliteError as error:
        raise NotDetermined(f"Scofield's cross-section cannot stand in: {error.what}", where=line.line.name) from error
    source = f"{SCOFIELD}, standing in for a row that {factors.name} lacks"
    return Factor(line.line, found.value / norm, source, ("sigma",), factors.normalised_to, found.warnings)


def _with_transmission(line: LineArea, sample: Sample) -> LineArea:
    """The line with T after the user's table, else the file's, else KE^n, else none (T = 1)."""
    if sample.transmission:
        energies, values = np.array(sample.transmission).T
        if not energies[0] <= line.kinetic_energy <= energies[-1]:
            raise NotDetermined(
                f"The transmission table ends at {energies[0]:g} and {energies[-1]:g} eV; {line.name} stands at "
                f"{line.kinetic_energy:.1f} eV kinetic energy", where=sample.name, todo="Give a longer table",
            )
        value = float(np.interp(line.kinetic_energy, energies, values))
        return replace(line, transmission=value, transmission_source=USER_TABLE)
    if line.transmission is None and sample.transmission_exponent is not None:
        power = sample.transmission_exponent
        value = float((line.kinetic_energy / 1000.0) ** power)
        words = f"(KE / 1000 eV)^{power:g}, given by the user: the file records none"
        return replace(line, transmission=value, transmission_source=words)
    return line


def transmission_table(pairs: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """A user's transmission, checked and ascending in kinetic energy.

    Raises
    ------
    BadData
        If there are fewer than two energies, one comes twice, or a number is not above zero.
    """
    table = sorted((float(energy), float(value)) for energy, value in pairs)
    energies = [energy for energy, _ in table]
    if len(table) < 2 or len(set(energies)) != len(energies):
        raise BadData("A transmission table needs two or more different kinetic energies")
    if not all(np.isfinite(energy) and energy > 0 and np.isfinite(value) and value > 0 for energy, value in table):
        raise BadData("Energies and transmissions must be above zero", todo="Correct the table")
    return tuple(table)
