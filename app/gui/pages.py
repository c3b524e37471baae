"""The pages of inspector and results, and for which measurements each is there: the dataset decides the tools."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtWidgets import QScrollArea, QWidget

from app.gui.blocks_page import BlocksPage
from app.gui.candidates_page import CandidatesPage
from app.gui.composition_page import CompositionPage
from app.gui.document import Document
from app.gui.eels.core_loss_panel import CoreLossPanel
from app.gui.eels.fine_structure_panel import FineStructurePanel
from app.gui.eels.low_loss_panel import LowLossPanel
from app.gui.eels.zero_loss_panel import ZeroLossPanel
from app.gui.image.factors_panel import FactorsPanel
from app.gui.image.gallery import MapGallery
from app.gui.image.maps_panel import MapsPanel
from app.gui.intervals_page import IntervalsPage
from app.gui.panels.calibrate_panel import CalibratePanel
from app.gui.panels.identify_panel import IdentifyPanel
from app.gui.panels.layers_panel import LayersPanel
from app.gui.panels.library_panel import LibraryPanel
from app.gui.panels.model_panel import ModelPanel
from app.gui.panels.process_panel import ProcessPanel
from app.gui.panels.quantify_panel import QuantifyPanel
from app.gui.results_pages import HistoryPage, LogPage, StatisticsPage
from app.gui.sims.amounts_panel import AmountsPanel
from app.gui.sims.depth_panel import DepthPanel
from app.gui.sims.ions_panel import IonsPanel
from app.gui.sims.layers_page import LayersPage
from app.gui.sims.mass_panel import MassPanel
from app.gui.sims.profiles_panel import ProfilesPanel
from app.gui.sims.volume_panel import VolumePanel
from app.gui.tasks import Tasks
from app.gui.trends_page import TrendsPage
from app.project.project import Entry
from fitting.sims.kinds import kind_of

ALL = frozenset(("xps", "eels", "sims", "other"))
_XPS, _EELS, _SIMS = frozenset(("xps", "other")), frozenset(("eels",)), frozenset(("sims",))
_SPECTRUM, _PROFILE, _IONS = ("spectrum",), ("profile", "cube"), ("profile", "image", "cube")


@dataclass(frozen=True, eq=False)
class Page:
    """One page of a dock.

    Attributes
    ----------
    title : str
        On its tab.
    name : str
        What the window calls it: `window.model_panel`.
    widget : QWidget
    techniques : frozenset of str
        For which measurements it is there.
    images : bool
        Only for images and series.
    kinds : tuple of str
        Of ToF-SIMS data only for these kinds (`fitting.sims.kinds`); empty for all.
    fitted : bool
        Of ToF-SIMS data only where a region was drawn: masses are measured without fitted models.
    """

    title: str
    name: str
    widget: QWidget
    techniques: frozenset[str] = ALL
    images: bool = False
    kinds: tuple[str, ...] = ()
    fitted: bool = False

    def fits(self, entry: Entry | None) -> bool:
        """Whether it is there for an entry; without one, the pages of photoelectron spectra."""
        if entry is None:
            return "xps" in self.techniques and not self.images
        spectrum = entry.spectrum
        if spectrum.meta.technique == "sims" and (
            (self.kinds and kind_of(spectrum) not in self.kinds) or (self.fitted and not entry.fits)
        ):
            return False
        return spectrum.meta.technique in self.techniques and not (self.images and not spectrum.navigation)


def inspector_pages(document: Document, tasks: Tasks) -> list[Page]:
    """The pages of the inspector in the order of their tabs."""
    return [
        Page("Model", "model_panel", ModelPanel(document), kinds=_SPECTRUM, fitted=True),
        Page("Process", "process_panel", ProcessPanel(document)),
        Page("Zero loss", "zero_loss_panel", ZeroLossPanel(document, tasks), _EELS),
        Page("Low loss", "low_loss_panel", LowLossPanel(document, tasks), _EELS),
        Page("Core loss", "core_loss_panel", CoreLossPanel(document, tasks), _EELS),
        Page("Fine structure", "fine_structure_panel", FineStructurePanel(document, tasks), _EELS),
        Page("Mass", "mass_panel", MassPanel(document, tasks), _SIMS, kinds=_SPECTRUM),
        Page("Profiles", "profiles_panel", ProfilesPanel(document, tasks), _SIMS, kinds=_PROFILE),
        Page("Ions", "ions_panel", IonsPanel(document, tasks), _SIMS, kinds=_IONS),
        Page("Depth", "depth_panel", DepthPanel(document, tasks), _SIMS, kinds=_PROFILE),
        Page("Volume", "volume_panel", VolumePanel(document, tasks), _SIMS, kinds=("image", "cube")),
        Page("Maps", "maps_panel", MapsPanel(document, tasks), _EELS | _SIMS, images=True, kinds=("spectrum", "image")),
        Page("Factors", "factors_panel", FactorsPanel(document, tasks), _EELS | _SIMS, images=True),
        Page("Amounts", "amounts_panel", AmountsPanel(document, tasks), _SIMS, kinds=_PROFILE),
        Page("Calibrate", "calibrate_panel", CalibratePanel(document), _XPS),
        Page("Quantify", "quantify_panel", QuantifyPanel(document), _XPS),
        Page("Identify", "identify_panel", IdentifyPanel(document, tasks), _XPS),
        Page("Layers", "layers_panel", LayersPanel(document, tasks), _XPS),
        Page("Library", "library_panel", LibraryPanel(document), _XPS),
    ]


def results_pages(document: Document, tasks: Tasks) -> list[Page]:
    """The pages of the results in the order of their tabs."""
    return [
        Page("Layers", "sims_layers", LayersPage(document, tasks), _SIMS, kinds=_PROFILE),
        Page("Maps", "gallery", MapGallery(document, tasks), _EELS | _SIMS, images=True,
             kinds=("spectrum", "image", "cube")),
        Page("Composition", "composition", CompositionPage(document, tasks), _XPS),
        Page("Fit statistics", "statistics", StatisticsPage(document), kinds=_SPECTRUM, fitted=True),
        Page("Intervals", "intervals", IntervalsPage(document, tasks), kinds=_SPECTRUM, fitted=True),
        Page("Candidates", "candidates", CandidatesPage(document, tasks), _XPS),
        Page("Blocks", "blocks", BlocksPage(document, tasks), _XPS),
        Page("Trends", "trends", TrendsPage(document, tasks), _XPS),
        Page("History", "history", HistoryPage(document)),
        Page("Log", "log", LogPage()),
    ]


def offered(pages: Sequence[Page], entry: Entry | None) -> set[str]:
    """Titles of the pages that are there for an entry."""
    return {page.title for page in pages if page.fits(entry)}


def first(pages: Sequence[Page], entry: Entry | None) -> str:
    """Title of the page that comes to the front where the one in front goes: of ions the first of their own."""
    if entry is None or entry.spectrum.meta.technique != "sims":
        return ""
    return next((page.title for page in pages if page.techniques == _SIMS and page.fits(entry)), "")


def scrolled(page: QWidget) -> QScrollArea:
    """A panel that scrolls where there is little room; it never makes the window wider."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QScrollArea.Shape.NoFrame)
    area.setFocusProxy(page)
    area.setWidget(page)
    return area
