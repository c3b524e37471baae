"""The main window: plot in the middle, panels around it, and the controllers that the commands name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QByteArray, QEvent, QPoint, Qt
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDragLeaveEvent, QDropEvent, QResizeEvent
from PySide6.QtWidgets import QMainWindow, QMenu, QSizePolicy, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from app.files import formats
from app.gui import theme as themes
from app.gui.action_set import ActionSet
from app.gui.batch_controller import BatchController
from app.gui.command_search import CommandSearch
from app.gui.data_controller import DataController
from app.gui.docks import Dock, TabbedDock
from app.gui.document import Document
from app.gui.edit_controller import EditController
from app.gui.errors import details_dialog, log, sentence
from app.gui.export_controller import ExportController
from app.gui.file_controller import SAMPLES, FileController
from app.gui.fit_controller import FitController
from app.gui.image.navigator import WIDTH as NAVIGATOR_WIDTH
from app.gui.image.navigator import Navigator
from app.gui.image_controller import ImageController
from app.gui.joint_controller import JointController
from app.gui.live_fit import LiveFit
from app.gui.look_controller import LookController, screen_fits
from app.gui.message_bar import MessageBar
from app.gui.pages import first, inspector_pages, offered, results_pages, scrolled
from app.gui.panels.base import Panel
from app.gui.plot.spectrum_view import SpectrumView
from app.gui.plot_pick import PlotPick
from app.gui.project_tree import ProjectTree
from app.gui.quantify_controller import QuantifyController
from app.gui.results_pages import words
from app.gui.series_controller import SeriesController
from app.gui.sims.centre import Centre
from app.gui.sims.cube_controller import CubeController
from app.gui.status_bar import StatusBar
from app.gui.stored_controller import StoredController
from app.gui.style.icons import application_icon
from app.gui.tasks import Tasks
from app.gui.theme import GAP_2
from app.gui.view_state import ViewState
from app.gui.welcome import Welcome
from libraries.compounds import lines_of
from libraries.elements import parse_line
from libraries.errors import SodaliteError

LAYOUT_VERSION = 1
SIZE = (1440, 900)
INSPECTOR_WIDTH, PROJECT_WIDTH, RESULTS_HEIGHT = 520, 232, 256
INSPECTOR_SHARE = 0.36  # of the window's width at most
TREE_COMMANDS = ("data.rename", "data.remove", "", "fit.chosen", "fit.propagate", "fit.template", "",
                 "data.charge", "fit.sample", "quantify.sample")


class MainWindow(QMainWindow):
    """The window of a project.

    Parameters
    ----------
    state : ViewState, optional
        What the window remembers; the user's settings by default.
    """

    def __init__(self, state: ViewState | None = None) -> None:
        super().__init__()
        self.state = state or ViewState()
        self.document = Document(parent=self)
        self.tasks = Tasks(self.show_error, self)
        # The live fit hears of an edit before all others, so that they draw the fitted model at once and only once.
        self.live = LiveFit(self.document, self.tasks, self.show_error, self.say, self)
        self._leaving = False
        self._layout = QByteArray()
        self.setObjectName("mainWindow")
        self.setWindowIcon(application_icon())
        self.setAcceptDrops(True)
        self.setDockNestingEnabled(True)
        self.resize(screen_fits(*SIZE))
        self._build_middle()
        self._build_docks()
        self.files = FileController(self)
        self.stored = StoredController(self)
        self.exports = ExportController(self)
        self.edits = EditController(self)
        self.fits = FitController(self)
        self.looks = LookController(self)
        self.data = DataController(self)
        self.batch = BatchController(self)
        self.series = SeriesController(self)
        self.quantities = QuantifyController(self)
        self.ties = JointController(self)
        self.images = ImageController(self)
        self.cubes = CubeController(self)
        self._build_commands()
        self._connect()
        self.default_layout()
        self._restore()
        self.looks.sync_theme()
        self._hide_panels()
        self._project_changed()
        self._state_changed()

    # -- building -----------------------------------------------------------------------------------------------

    def _build_middle(self) -> None:
        self.view = SpectrumView(self.document)
        self.welcome = Welcome(SAMPLES, lambda: ", ".join(known.title for known in formats()))
        self.welcome.set_recent(self.state.recent)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.welcome)
        self.navigator = Navigator(self.document, self.tasks)
        self.picture = QSplitter(Qt.Orientation.Horizontal)
        self.picture.setChildrenCollapsible(False)
        self.picture.addWidget(self.navigator)
        self.centre = Centre(self.document, self.tasks, self.view)
        self.picture.addWidget(self.centre)
        self.picture.setStretchFactor(1, 1)
        self.picture.setSizes([NAVIGATOR_WIDTH, SIZE[0]])
        self.pages.addWidget(self.picture)
        self.messages = MessageBar()
        middle = QWidget()
        middle.setObjectName("plotPane")
        middle.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        layout = QVBoxLayout(middle)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.messages)
        layout.addWidget(self.pages, 1)
        self.setCentralWidget(middle)

    def _build_docks(self) -> None:
        self.tree = ProjectTree(self.document)
        self.project_dock = Dock("projectDock", "Project", self.tree, self)
        inspector, results = inspector_pages(self.document, self.tasks), results_pages(self.document, self.tasks)
        self._pages = (inspector, results)
        for page in (*inspector, *results):
            setattr(self, page.name, page.widget)
        self.pick = PlotPick(self.view, self.calibrate_panel.take_cursor)
        self.inspector = TabbedDock("inspectorDock", "Inspector", [(p.title, scrolled(p.widget)) for p in inspector],
                                    self)
        self.results = TabbedDock("resultsDock", "Results", [(p.title, p.widget) for p in results], self)
        corner = Qt.Corner
        area = Qt.DockWidgetArea
        self.setCorner(corner.BottomLeftCorner, area.BottomDockWidgetArea)
        self.setCorner(corner.BottomRightCorner, area.RightDockWidgetArea)

    def _build_commands(self) -> None:
        self.actions_ = ActionSet(self, {
            "recent": self.files.recent_rows, "samples": self.files.sample_rows,
            "backgrounds": self.fits.background_rows, "templates": self.batch.template_rows,
            "presets": self.ties.preset_rows, "runs": self.images.run_rows,
        })
        self.actions_.build_menus()
        self.actions_["view.navigator"].setChecked(True)
        self.actions_["view.logarithmic"].setChecked(True)
        self.toolbar = self.actions_.build_toolbar()
        space = QWidget()
        space.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.toolbar.addWidget(space)
        self.search = CommandSearch(self.actions_.actions, self)
        self.toolbar.addWidget(self.search)
        self.addToolBar(self.toolbar)
        self.status = StatusBar(self.document, self.tasks)
        self.setStatusBar(self.status)

    def _connect(self) -> None:
        document = self.document
        document.project_changed.connect(self._project_changed)
        document.selection_changed.connect(self._offer_pages)
        document.selection_changed.connect(self.actions_.refresh)
        document.state_changed.connect(self._state_changed)
        self.tasks.changed.connect(self.actions_.refresh)
        for page in (page for pages in self._pages for page in pages):
            if isinstance(page.widget, Panel):
                page.widget.use_window(self)
        for view in (self.centre.profile, self.centre.volume):
            view.use_window(self)
        self.centre.shown_changed.connect(self.actions_.refresh)
        self.view.cursor_moved.connect(self.status.show_cursor)
        self.view.message.connect(self.status.hint)
        self.view.tool_changed.connect(self._tool_changed)
        self.model_panel.tool_requested.connect(self.view.set_tool)
        self.calibrate_panel.cursor_requested.connect(self.pick.start)
        self.intervals.better_wanted.connect(self.fits.fit_from)
        self.intervals.export_wanted.connect(self.exports.intervals)
        self.quantify_panel.quantify_requested.connect(lambda _: self.fits.quantify())
        self.library_panel.references_requested.connect(self.view.show_references)
        self.library_panel.elements_requested.connect(self.view.show_elements)
        self.identify_panel.elements_requested.connect(self.view.show_elements)
        self.factors_panel.map_wanted.connect(self.navigator.show_map)
        self.identify_panel.page_requested.connect(lambda: self.inspector.show_page("Identify"))
        self.tree.menu_wanted.connect(self._tree_menu)
        self.tree.remove_wanted.connect(self.edits.remove_spectrum)
        self.search.library_wanted.connect(self.show_library)
        self.welcome.open_wanted.connect(self.files.open)
        self.welcome.sample_wanted.connect(self.files.open_sample)
        self.welcome.recent_wanted.connect(self.files.open_path)
        themes.changes().changed.connect(self.looks.sync_theme)
        for dock in (self.project_dock, self.inspector, self.results):
            dock.visibilityChanged.connect(self.looks.sync_panels)
        log.addHandler(self.log.handler)

    def default_layout(self) -> None:
        """Panels where they are at the first start."""
        area = Qt.DockWidgetArea
        for dock, place in ((self.project_dock, area.LeftDockWidgetArea), (self.inspector, area.RightDockWidgetArea),
                            (self.results, area.BottomDockWidgetArea)):
            dock.setFloating(False)
            self.addDockWidget(place, dock)
            dock.show()
        sides = [self.project_dock, self.inspector]
        inspector = min(INSPECTOR_WIDTH, round(INSPECTOR_SHARE * self.width()))
        self.resizeDocks(sides, [PROJECT_WIDTH, inspector], Qt.Orientation.Horizontal)
        self.resizeDocks([self.results], [RESULTS_HEIGHT], Qt.Orientation.Vertical)

    def _restore(self) -> None:
        geometry = self.state.bytes("geometry")
        if not geometry.isEmpty():
            self.restoreGeometry(geometry)
        # Taken up when there is a project: until then the panels are hidden and the window may change its size.
        self._layout = self.state.bytes("layout")

    # -- following the document ---------------------------------------------------------------------------------

    def _project_changed(self) -> None:
        empty = not self.document.project.entries
        page = self.welcome if empty else self.picture
        if self.pages.currentWidget() is not page:
            self.pages.setCurrentWidget(page)
            self._show_panels(not empty)
        self._offer_pages()
        self.actions_.refresh()

    def _offer_pages(self) -> None:
        """The dataset decides the tools."""
        entry = self.document.entry
        for dock, pages in zip((self.inspector, self.results), self._pages, strict=True):
            dock.offer(offered(pages, entry), first(pages, entry))

    def _show_panels(self, shown: bool) -> None:
        """An empty project needs no panels; they come back as they were."""
        if shown:
            if self._layout.isEmpty() or not self.restoreState(self._layout, LAYOUT_VERSION):
                self.default_layout()
        else:
            self._layout = self.saveState(LAYOUT_VERSION)
            self._hide_panels()
        self.looks.sync_panels()

    def _hide_panels(self) -> None:
        for dock in (self.project_dock, self.inspector, self.results):
            dock.hide()

    def _state_changed(self) -> None:
        document = self.document
        name = document.path.name if document.path else document.project.name
        title = f"{name}[*] – Sodalite" if document.project.entries else "Sodalite"
        if self.windowTitle() != title:
            self.setWindowTitle(title)
        if self.isWindowModified() != document.dirty:
            self.setWindowModified(document.dirty)
        self.actions_.refresh()
        self.show_saved_state()

    def show_saved_state(self) -> None:
        """The status bar says what is on disk."""
        self.status.set_recovery(self.files.recovery.current)

    def _tool_changed(self, tool: str) -> None:
        self.actions_["fit.region_tool"].setChecked(tool == "region")
        self.actions_["fit.peak_tool"].setChecked(tool == "peak")

    def show_first_fit(self) -> None:
        """After opening: the first spectrum with a fit, else the first one."""
        entries = self.document.project.entries
        fitted = next((entry for entry in entries if any(fit.model.components for fit in entry.fits)), None)
        if fitted is not None:
            self.document.select(fitted.id)

    def _tree_menu(self, place: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for id in TREE_COMMANDS:
            if id:
                menu.addAction(self.actions_[id])
            else:
                menu.addSeparator()
        menu.popup(place)

    def show_library(self, kind: str, name: str) -> None:
        """Mark what the command search found."""
        if kind == "compound":
            self.library_panel.search.setText(name)
            self.inspector.show_page("Library")
            self.view.show_references(lines_of(name))
        else:
            element = name if kind == "element" else parse_line(name).element
            self.view.show_elements([element])
            self.say(f"Lines of {element} are marked on the plot")

    # -- messages -----------------------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """Say something in passing."""
        self.status.say(text)
        log.info("%s", text)

    def show_error(self, error: BaseException) -> None:
        """Show an error; one that is not of our own making with its details."""
        text = sentence(error)
        if isinstance(error, SodaliteError):
            log.warning("%s", text)
            self.messages.show_message(text, "error")
            return
        log.error("%s", words(error), exc_info=error)
        self.messages.show_message(text, "error", [("Details…", lambda: details_dialog(error, self).open())])

    # -- events -------------------------------------------------------------------------------------------------

    def open_files(self, paths: Sequence[Path]) -> None:
        """Files from the command line or the desktop."""
        self.files.open_paths(paths, add=True)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files may be dropped anywhere."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()
            self.welcome.set_over(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """The files went away."""
        self.welcome.set_over(False)

    def dropEvent(self, event: QDropEvent) -> None:
        """Projects are opened, spectra added."""
        self.welcome.set_over(False)
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.files.open_paths(paths, add=True)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where there is little room the toolbar shows icons only."""
        super().resizeEvent(event)
        self._fit_toolbar()

    def changeEvent(self, event: QEvent) -> None:
        """Another font needs another toolbar."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange and hasattr(self, "toolbar"):
            self._fit_toolbar()

    def _fit_toolbar(self) -> None:
        ActionSet.set_words(self.toolbar, True)
        if self.toolbar.sizeHint().width() + GAP_2 > self.width():
            ActionSet.set_words(self.toolbar, False)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask about unsaved changes first; then wait for the workers and remember the layout."""
        document = self.document
        if not self._leaving and document.dirty and document.project.entries:
            event.ignore()
            self.files.guarded(self._leave)
            return
        self.state.set_bytes("geometry", self.saveGeometry())
        if self.document.project.entries:
            self._layout = self.saveState(LAYOUT_VERSION)
        self.state.set_bytes("layout", self._layout)
        self.files.closed()
        self.tasks.close()
        self.centre.volume.frames.wait()  # a thread that draws must not outlive what it draws for
        log.removeHandler(self.log.handler)
        event.accept()

    def _leave(self) -> None:
        self._leaving = True
        self.close()
