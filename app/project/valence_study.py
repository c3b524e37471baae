"""What the analyst knows of valences: reference spectra, calibration tables, and which of them are used."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fitting.eels.valence import Calibration


@dataclass(frozen=True)
class KnownValence:
    """A spectrum of known valence.

    Attributes
    ----------
    entry : str
        Id of the entry.
    valence, error : float
        Of the metal in that compound, and its standard uncertainty.
    """

    entry: str
    valence: float
    error: float = 0.0


@dataclass(frozen=True)
class ValenceStudy:
    """References, tables, and how a valence is found.

    Attributes
    ----------
    references : tuple of KnownValence
    tables : tuple of Calibration
        Those of the project; shipped ones are copied here when they are chosen.
    used : str
        Name of the table; "" for none: then only shifts are reported.
    measure : str
        Position that is compared, a key of `fitting.eels.white_line_quantities.POSITIONS`.
    shift : bool
        Whether the mixture of references may move against the sample.
    graphite : str
        Id of the entry whose carbon counts as all sp2; "" for none.
    """

    references: tuple[KnownValence, ...] = ()
    tables: tuple[Calibration, ...] = ()
    used: str = ""
    measure: str = "l3_onset"
    shift: bool = False
    graphite: str = ""

    def table(self) -> Calibration | None:
        """The table in use."""
        return next((one for one in self.tables if one.name == self.used), None)

    def with_table(self, table: Calibration) -> ValenceStudy:
        """A copy with a table added, or replaced where its name exists, and in use."""
        kept = tuple(table if one.name == table.name else one for one in self.tables)
        known = any(one.name == table.name for one in self.tables)
        return replace(self, tables=kept if known else (*kept, table), used=table.name)

    def with_reference(self, reference: KnownValence) -> ValenceStudy:
        """A copy with a reference added, or replaced where its entry is one."""
        kept = tuple(one for one in self.references if one.entry != reference.entry)
        return replace(self, references=(*kept, reference))

    def without_reference(self, entry: str) -> ValenceStudy:
        """A copy without that reference."""
        return replace(self, references=tuple(one for one in self.references if one.entry != entry))

    def valence_of(self, entry: str) -> KnownValence | None:
        """What is known of an entry."""
        return next((one for one in self.references if one.entry == entry), None)
