"""Ready sets of lines: compounds whose lines are tied by stoichiometry and distance, and broadened doublets.

Energies, atoms and distances come from the library's cited rows; a compound without a cited line makes no preset.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fitting import guess
from fitting.dataset import Spectrum
from fitting.model import FitModel, Param
from fitting.xps.placement import Placement, Region, put
from fitting.xps.sites import Site, sites_of
from libraries.core_levels import Doublet, doublet
from libraries.elements import parse_line
from libraries.errors import NotDetermined, UnknownName


@dataclass(frozen=True)
class Preset:
    """A set of lines that is added with one command.

    Attributes
    ----------
    key, title : str
    compound : str
        Of the library; "" for a doublet.
    line : str
        Of a doublet, "V 2p"; else "".
    """

    key: str
    title: str
    compound: str = ""
    line: str = ""

    @property
    def description(self) -> str:
        """Its lines with energies and sources, for people."""
        if self.line:
            pair = _pair(self.line)
            return (
                f"{pair.major.name} and {pair.minor.name}, {pair.splitting:g} eV apart, areas 1 : {pair.ratio:g}; the "
                f"minor line is 0 to {2 * (pair.width_excess or 0.0):.2g} eV broader. {pair.source}"
            )
        return "; ".join(f"{_words(site)} ({site.source})" for site in sites_of(self.compound))


_COMPOUNDS = (
    ("carbonate", "Sodium carbonate", "Na2CO3"),
    ("fluoride", "Sodium fluoride", "NaF"),
    ("perchlorate", "Sodium perchlorate", "NaClO4"),
    ("chloride", "Sodium chloride", "NaCl"),
    ("phosphate", "Sodium phosphate", "Na3PO4"),
    ("metaphosphate", "Sodium metaphosphate", "NaPO3"),
    ("hexafluorophosphate", "Hexafluorophosphate of NaPF6", "PF6-"),
    ("tfsi", "TFSI salt", "TFSI-"),
    ("sulfate", "Sodium sulfate", "Na2SO4"),
    ("acetate", "Sodium acetate", "sodium acetate"),
    ("pvdf", "PVDF binder", "PVDF"),
    ("ether", "Ether C–O–C", "PEO"),
)
_DOUBLETS = ("V 2p", "Ti 2p")


def presets() -> tuple[Preset, ...]:
    """All presets."""
    return (
        *(Preset(key, title, compound) for key, title, compound in _COMPOUNDS),
        *(Preset(line.replace(" ", "_").lower(), f"{line} doublet with a broader minor line", line=line)
          for line in _DOUBLETS),
    )


def preset(key: str) -> Preset:
    """A preset by key; raises UnknownName."""
    for item in presets():
        if item.key == key:
            return item
    raise UnknownName(f"There is no preset {key!r}", todo=f"There are: {', '.join(p.key for p in presets())}")


def _words(site: Site) -> str:
    name = f"{site.line.name} {site.group}".strip()
    atoms = f", {site.atoms:g} atom{'s' if site.atoms != 1 else ''}" if site.atoms else ""
    return f"{name} at {site.position:.2f} eV{atoms}"


def _pair(line: str) -> Doublet:
    level = parse_line(line)
    return doublet(level.element, level.level)


def add_preset(
    item: Preset,
    regions: Sequence[Region],
    material: str = "",
    *,
    transmission_exponent: float | None = None,
) -> Placement:
    """Put the lines of a preset into the regions that hold their energies.

    Parameters
    ----------
    item : Preset
    regions : sequence of Region
        Of one sample.
    material : str
        In which lambda is taken for the areas; "" for the average matrix.
    transmission_exponent : float or None
        See `fitting.xps.yields.line_yield`.

    Returns
    -------
    Placement
        Regions with the lines, ties between them, and what was left out. Areas follow the stoichiometry through
        s, L, T, lambda and the counting time, positions the cited distances within their spread.

    Raises
    ------
    NotDetermined
        If no region holds any of the lines.
    """
    if not item.line:
        return put(sites_of(item.compound), regions, material, transmission_exponent=transmission_exponent)
    pair = _pair(item.line)
    for at, region in enumerate(regions):
        low, high = region.model.region
        inside = [row for row in guess.suggestions(region.spectrum, region.model) if row.line == pair.major.name]
        if inside and high - low > pair.splitting:
            model = add_broadened(region.spectrum, region.model, item.line, inside[0].position)
            changed = (*regions[:at], replace(region, model=model), *regions[at + 1 :])
            return Placement(tuple(changed), {}, (), ())
    raise NotDetermined(f"No region holds {item.line}", todo="Draw a region over both of its lines first")


def add_broadened(spectrum: Spectrum, model: FitModel, line: str, position: float, shape: str = "gl_sum") -> FitModel:
    """A doublet whose minor line is broader by Coster-Kronig decay within the range that the natural widths allow.

    The minor width follows the major one from equal to twice the excess of its natural width above it.

    Parameters
    ----------
    line : str
        "V 2p".
    position : float
        Of the major line.

    Raises
    ------
    UnknownName
        If the line is no doublet.

    References
    ----------
    Natural widths: J. L. Campbell, T. Papp, At. Data Nucl. Data Tables 77, 1 (2001), through the library.
    """
    model = guess.add_doublet(spectrum, model, line, position, shape)
    major, minor = model.components[-2:]
    excess = _pair(line).width_excess
    if not excess or minor.doublet != major.id or _pair(line).same_width:
        return model
    width = "fwhm" if "fwhm" in minor.values else "fwhm_l"
    start = major.value(width) + excess
    follows = Param(start, link=f"{major.id}.{width} + {excess:.4g} +- {excess:.4g}")
    return model.with_component(minor.with_(**{width: follows}))
