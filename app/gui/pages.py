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
from app.gui.tasks import Tasks
from app.gui.trends_page import TrendsPage
from app.project.project import Entry

ALL = frozenset(("xps", "eels", "sims", "other"))
_XPS, _EELS, _SIMS = frozenset(("xps", "other")), frozenset(("eels",)), frozenset(("sims",))


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
    """

    title: str
    name: str
    widget: QWidget
    techniques: frozenset[str] = ALL
    images: bool = False

    def fits(self, entry: Entry | None) -> bool:
        """Whether it is there for an entry; without one, the pages of photoelectron spectra."""
        if entry is None:
            return "xps" in self.techniques and not self.images
        return entry.spectrum.meta.technique in self.techniques and not (self.images and not entry.spectrum.navigation)


def inspector_pages(document: Document, tasks: Tasks) -> list[Page]:
    """The pages of the inspector in the order of their tabs."""
    return [
        Page("Model", "model_panel", ModelPanel(document)),
        Page("Process", "process_panel", ProcessPanel(document)),
        Page("Zero loss", "zero_loss_panel", ZeroLossPanel(document, tasks), _EELS),
        Page("Low loss", "low_loss_panel", LowLossPanel(document, tasks), _EELS),
        Page("Core loss", "core_loss_panel", CoreLossPanel(document, tasks), _EELS),
        Page("Fine structure", "fine_structure_panel", FineStructurePanel(document, tasks), _EELS),
        Page("Maps", "maps_panel", MapsPanel(document, tasks), _EELS | _SIMS, images=True),
        Page("Factors", "factors_panel", FactorsPanel(document, tasks), _EELS | _SIMS, images=True),
        Page("Calibrate", "calibrate_panel", CalibratePanel(document), _XPS),
        Page("Quantify", "quantify_panel", QuantifyPanel(document), _XPS),
        Page("Identify", "identify_panel", IdentifyPanel(document, tasks), _XPS),
        Page("Layers", "layers_panel", LayersPanel(document, tasks), _XPS),
        Page("Library", "library_panel", LibraryPanel(document), _XPS),
    ]


def results_pages(document: Document, tasks: Tasks) -> list[Page]:
    """The pages of the results in the order of their tabs."""
    return [
        Page("Maps", "gallery", MapGallery(document, tasks), _EELS | _SIMS, images=True),
        Page("Composition", "composition", CompositionPage(document, tasks), _XPS),
        Page("Fit statistics", "statistics", StatisticsPage(document)),
        Page("Intervals", "intervals", IntervalsPage(document, tasks)),
        Page("Candidates", "candidates", CandidatesPage(document, tasks), _XPS),
        Page("Blocks", "blocks", BlocksPage(document, tasks), _XPS),
        Page("Trends", "trends", TrendsPage(document, tasks), _XPS),
        Page("History", "history", HistoryPage(document)),
        Page("Log", "log", LogPage()),
    ]


def offered(pages: Sequence[Page], entry: Entry | None) -> set[str]:
    """Titles of the pages that are there for an entry."""
    return {page.title for page in pages if page.fits(entry)}


def scrolled(page: QWidget) -> QScrollArea:
    """A panel that scrolls where there is little room; it never makes the window wider."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QScrollArea.Shape.NoFrame)
    area.setFocusProxy(page)
    area.setWidget(page)
    return area
