"""Makes the pictures of README and manual: `python docs/make_pictures.py [NAME ...]`.

The window is drawn without a display, with the sample projects fitted. Each picture is made by a process of its own,
because Qt takes its scale factor from the environment at start. `SCENES` says what each one shows.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "pictures"
SIZE = (1440, 900)
PATIENCE = 240.0  # s


class Stage:
    """A window with a sample project, and how to bring it where it should be."""

    def __init__(self, theme: str) -> None:
        sys.path.insert(0, str(ROOT))
        from app.gui.start import application
        from app.gui.window import MainWindow

        self.app = application("dark" if theme == "dark" else "light")
        self.window: Any = MainWindow()
        self.window.resize(*SIZE)
        self.window.show()

    def sample(self, key: str, sample: str, spectrum: str, change: Callable[[Any, str], Any] | None = None) -> None:
        """Open a sample project at a spectrum; `change` gets project and entry's id before they are shown."""
        project = _project(key)
        id = next(s.id for s in project.samples if s.name == sample)
        entry = next(e.id for e in project.entries_of(id) if e.title == spectrum)
        self.window.files.show_project(project if change is None else change(project, entry), None)
        self.window.document.select(entry)
        self.settle()

    def settle(self, seconds: float = 0.4) -> None:
        """Wait until all work is done and drawn."""
        end = time.monotonic() + PATIENCE
        while not self.window.tasks.idle or self.window.pages.currentWidget() is not self.window.picture:
            self.app.processEvents()
            if time.monotonic() > end:
                raise SystemExit("the window did not come to rest")
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.app.processEvents()

    def save(self, widget: Any, target: Path) -> None:
        """Draw a widget into a file."""
        image = widget.grab().toImage()
        for setter in (image.setDotsPerMeterX, image.setDotsPerMeterY):
            setter(round(96 / 0.0254 * image.devicePixelRatio()))
        image.save(str(target))

    def close(self) -> None:
        """Close the window without questions."""
        from PySide6.QtCore import QEvent

        from app.files import child

        self.window._leaving = True
        self.window.close()
        self.window.deleteLater()
        self.app.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        child.shutdown()


CARBON, FILM = "Cycled hard carbon", "Na2CO3 on graphite"


def _project(key: str) -> Any:
    """A sample project worked through: as the first process that wanted it left it, since images take a minute."""
    from app.project import store
    from app.samples import sample_project

    kept = Path(os.environ["SODALITE_PICTURE_PROJECTS"]) / f"{key}.sodalite"
    if not kept.exists():
        store.save(sample_project(key, fitted=True), kept)
    return store.load(kept)


def _window(stage: Stage) -> Any:
    stage.sample("xps", CARBON, "C 1s")
    document = stage.window.document
    components = document.fit.model.components
    document.select_component(next((c.id for c in components if "carbonate" in c.name), None))
    stage.window.composition.refresh()
    stage.settle()
    return stage.window


def _model(stage: Stage) -> Any:
    _window(stage)
    return stage.window.inspector


def _page(name: str) -> Callable[[Stage], Any]:
    """The inspector at one of its pages."""

    def scene(stage: Stage) -> Any:
        stage.sample("xps", CARBON, "C 1s")
        stage.window.inspector.show_page(name)
        stage.settle(1.0)
        return stage.window.inspector

    return scene


def _identify(stage: Stage) -> Any:
    stage.sample("xps", CARBON, "Survey")
    stage.window.inspector.show_page("Identify")
    stage.window.identify_panel.identify()
    stage.settle(1.0)
    return stage.window


def _layers(stage: Stage) -> Any:
    stage.sample("xps-angles", FILM, "C 1s 0°")
    stage.window.inspector.show_page("Layers")
    stage.settle(1.5)
    return stage.window.inspector


def _candidates(stage: Stage) -> Any:
    stage.sample("xps-angles", FILM, "C 1s 0°")
    stage.window.results.show_page("Candidates")
    stage.window.candidates.find()
    stage.settle(1.0)
    return stage.window


def _intervals(stage: Stage) -> Any:
    stage.sample("xps", CARBON, "C 1s")
    stage.window.results.show_page("Intervals")
    stage.window.intervals.compute()
    stage.settle(1.0)
    return stage.window.results


def _blocks(stage: Stage) -> Any:
    stage.sample("xps-angles", FILM, "C 1s 0°")
    stage.window.results.show_page("Blocks")
    stage.settle(1.0)
    return stage.window.results


def _trends(stage: Stage) -> Any:
    stage.sample("xps-angles", FILM, "C 1s 0°")
    stage.window.results.show_page("Trends")
    stage.settle(1.0)
    return stage.window.results


SPHERES, SERIES = "Sodiated carbon spheres", "Na3V2(PO4)3"


def _losses(entry: str, page: str, *, whole: bool = False, map: str = "", place: str = "") -> Callable[[Stage], Any]:
    """The sample image at an inspector page: the whole window, or the inspector alone."""

    def scene(stage: Stage) -> Any:
        from fitting.image.place import Place

        stage.sample("eels", SPHERES, entry)
        window = stage.window
        window.inspector.show_page(page)
        if place:
            window.document.set_place(Place.parse(place))
        if map:
            window.navigator.show_map(map)
        stage.settle(2.0)
        return window if whole else window.inspector

    return scene


def _fine(stage: Stage) -> Any:
    stage.sample("eels-valence", SERIES, "Desodiated, V L2,3")
    window = stage.window
    ids = [e.id for e in window.document.project.entries_of("series") if e.low_loss]
    window.document.choose(ids, ids[1])
    window.inspector.show_page("Fine structure")
    stage.settle(2.0)
    return window


INTERPHASE = "Sodium interphase on hard carbon"
RESULTS = 270  # px: height of the results where a table of layers stands in them


ALONG = ("C2H-", "ClO3-", "NaO-", "NaF2-", "C4-", "Na3F4-")


def _ions(entry: str, page: str, *, results: str = "", place: str = "", look: dict[str, Any] | None = None,
          step: str = "", volume: dict[str, Any] | None = None,
          act: Callable[[Any], None] | None = None) -> Callable[[Stage], Any]:
    """The ToF-SIMS sample at an inspector page, the whole window; results only where a page of them is named.

    `look` says how the profile is drawn ("FACTORS" among the traces: the amounts of all factors), `step` of which trace
    the interface is, by MRI, `volume` how the cube is drawn; `act` does the rest.
    """

    def change(project: Any, id: str) -> Any:
        from dataclasses import replace

        shown = project.entry(id)
        if look:
            about = shown.factors[-1]
            amounts = [f"factor:{about.id}/{number + 1}" for number in range(len(about.names))]
            ions = [trace for name in look["ions"] for trace in (amounts if name == "FACTORS" else [name])]
            shown = replace(shown, profile=replace(shown.profile, **{**look, "ions": tuple(ions)}))
        if step:
            shown = replace(shown, interfaces=tuple(
                replace(one, trace=step, response="mri", held=(("lam", 0.0),)) for one in shown.interfaces))
        if volume:
            shown = replace(shown, volume=replace(shown.volume, **volume))
        return project.with_entry(shown)

    def scene(stage: Stage) -> Any:
        from PySide6.QtCore import Qt

        from fitting.image.place import Place

        stage.sample("sims", INTERPHASE, entry, change)
        window = stage.window
        window.inspector.show_page(page)
        if place:
            window.document.set_place(Place.parse(place))
        if results:
            window.results.show_page(results)
            window.resizeDocks([window.results], [RESULTS], Qt.Orientation.Vertical)
        else:
            window.results.hide()
        stage.settle(1.0)
        if act is not None:
            act(window)
        stage.settle(3.0)
        return window

    return scene


def _scroll_to(widget: Any) -> None:
    """Scroll a page of the inspector so that all of a part is seen."""
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QScrollArea

    area = widget.parentWidget()
    while not isinstance(area, QScrollArea):
        area = area.parentWidget()
    timer = QTimer(area)
    timer.timeout.connect(lambda: area.ensureWidgetVisible(widget, 0, 0))
    timer.start(500)  # again and again: the part grows when its results come


def _clusters(window: Any) -> None:
    """The range of the sodium clusters."""
    window.view.show_range(60.0, 135.0)


def _doublet(window: Any) -> None:
    """A line that two ions may be, with what the page says of it."""
    panel = window.mass_panel
    peaks = window.document.entry.masses.peaks
    panel.choose(next(i for i, peak in enumerate(peaks) if "PF6-" in (peak.name, *peak.alternatives)), look=True)
    for fold in panel.folds:
        if fold.content is panel.scale:
            fold.show_content(False)
    _scroll_to(panel.names)


def _saturated(window: Any) -> None:
    """The ion that its isotope finds saturated."""
    window.ions_panel.isotope_view.show_current(window.ions_panel.isotopes.key(0))


def _relief(window: Any) -> None:
    """The relief of the sample, found by an ion of the bulk."""
    part = window.process_panel.cube
    part.depth_fold.show_content(True)
    part.depth_ion.setCurrentIndex(next(i for i in range(part.depth_ion.count())
                                        if part.depth_ion.itemText(i).startswith("C₄⁻")))
    part.first.setText("35")
    part.last.setText("60")
    part.find_depth()
    _scroll_to(part.depth_fold)


def _shares(window: Any) -> None:
    """Shares of the phases, further down on the page."""
    panel = window.factors_panel
    panel.number.setValue(5)
    panel.ion_result.shares.setChecked(True)
    panel.ion_result.come_into_view()


def _calibrated(window: Any) -> None:
    """The composition of the factors and of every depth, further down on the page."""
    _scroll_to(window.amounts_panel.by_xps.result)


_INTERPHASE = _ions("Negative cube", "Depth", results="Layers", step="C4-", look={"ions": ALONG, "axis": "depth"})


@dataclass(frozen=True)
class Scene:
    """File name, what is drawn, theme, scale factor of the screen."""

    name: str
    show: Callable[[Stage], Any]
    theme: str = "light"
    scale: str = "1"


SCENES = (
    Scene("window-light.png", _window),
    Scene("window-dark.png", _window, "dark"),
    Scene("window-2x.png", _window, "light", "2"),
    Scene("panel-model.png", _model),
    Scene("panel-process.png", _page("Process")),
    Scene("panel-calibrate.png", _page("Calibrate")),
    Scene("panel-quantify.png", _page("Quantify")),
    Scene("panel-identify.png", _identify),
    Scene("panel-layers.png", _layers),
    Scene("panel-library.png", _page("Library")),
    Scene("page-intervals.png", _intervals),
    Scene("page-candidates.png", _candidates),
    Scene("page-blocks.png", _blocks),
    Scene("page-trends.png", _trends),
    Scene("window-eels.png", _losses("Low loss", "Low loss", whole=True, map="na_region", place="roi:sodium")),
    Scene("window-eels-dark.png", _losses("Low loss", "Low loss", whole=True, map="na_region", place="roi:sodium"),
          "dark"),
    Scene("panel-zero-loss.png", _losses("Low loss", "Zero loss")),
    Scene("panel-low-loss.png", _losses("Low loss", "Low loss", place="19,18")),
    Scene("panel-core-loss.png", _losses("Core loss", "Core loss", whole=True, place="roi:salt")),
    Scene("panel-maps.png", _losses("Low loss", "Maps", whole=True)),
    Scene("panel-factors.png", _losses("Core loss", "Factors")),
    Scene("panel-fine-structure.png", _fine),
    Scene("window-sims.png", _INTERPHASE),
    Scene("window-sims-dark.png", _INTERPHASE, "dark"),
    Scene("panel-mass.png", _ions("Positive spectrum", "Mass", act=_clusters)),
    Scene("panel-peaks.png", _ions("Negative spectrum", "Mass", act=_doublet)),
    Scene("panel-profiles.png", _ions("Negative cube", "Profiles", place="roi:centre", look={
        "ions": (*ALONG, "Cl- from ^37Cl-"), "axis": "depth", "normal": "sum"})),
    Scene("panel-ions.png", _ions("Negative cube", "Ions", act=_saturated, look={
        "ions": ("Cl-", "Cl- from ^37Cl-", "ClO-"), "axis": "depth", "logarithmic": False})),
    Scene("panel-ion-factors.png", _ions("Negative cube", "Factors", act=_shares, look={
        "ions": ("FACTORS",), "axis": "depth", "logarithmic": False})),
    Scene("panel-by-xps.png", _ions("Negative cube", "Amounts", act=_calibrated, look={
        "ions": ("FACTORS",), "axis": "depth", "logarithmic": False})),
    Scene("panel-topography.png", _ions("Negative cube", "Process", act=_relief)),
    Scene("panel-volume.png", _ions("Negative cube", "Volume", volume={"mode": "surface", "smooth": 1.0})),
)


def make(target: Path) -> None:
    """Draw one picture."""
    scene = next(s for s in SCENES if s.name == target.name)
    stage = Stage(scene.theme)
    stage.save(scene.show(stage), target)
    stage.close()


def main(names: list[str]) -> int:
    """Make all pictures, or those named, each in its own process."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    wanted = [scene for scene in SCENES if not names or scene.name in names]
    with tempfile.TemporaryDirectory() as folder:
        for scene in wanted:
            environment = {
                **os.environ, "QT_QPA_PLATFORM": "offscreen", "QT_SCALE_FACTOR": scene.scale,
                "SODALITE_CONFIG_DIR": f"{folder}/{scene.name}", "SODALITE_STATE_DIR": f"{folder}/{scene.name}",
                "SODALITE_PICTURE_PROJECTS": os.environ.get("SODALITE_PICTURE_PROJECTS", folder),
            }
            command = [sys.executable, __file__, "--into", str(PICTURES / scene.name)]
            subprocess.run(command, env=environment, check=True)
            print(f"docs/pictures/{scene.name}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--into"]:
        make(Path(sys.argv[2]))
    else:
        raise SystemExit(main(sys.argv[1:]))
