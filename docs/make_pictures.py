"""Makes the pictures of the window for README and manual: `python docs/make_pictures.py`.

The window is drawn without a display, with the sample project fitted, in light, dark, and at twice the resolution.
Each picture is made by a process of its own, because Qt takes its scale factor from the environment at start.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "pictures"
SIZE = (1440, 900)
SAMPLE, SPECTRUM = "Cycled hard carbon", "C 1s"
# File name, theme, scale factor of the screen.
KINDS = (("window-light.png", "light", "1"), ("window-dark.png", "dark", "1"), ("window-2x.png", "light", "2"))


def make(target: Path, theme: str) -> None:
    """Draw the window into a file."""
    sys.path.insert(0, str(ROOT))
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QImage

    from app.files import child
    from app.gui.start import application
    from app.gui.window import MainWindow
    from app.samples import sample_project

    app = application("dark" if theme == "dark" else "light")
    window = MainWindow()
    window.resize(*SIZE)
    window.show()
    window.files.show_project(sample_project("xps", fitted=True), None)
    document = window.document
    sample = next(s for s in document.project.samples if s.name == SAMPLE)
    entry = next(e for e in document.project.entries_of(sample.id) if e.title == SPECTRUM)
    document.select(entry.id)
    wanted = next((c.id for c in entry.fits[0].model.components if "CO3" in c.name or "carbonate" in c.name), None)
    document.select_component(wanted)
    window.composition.refresh()
    while not window.tasks.idle or window.pages.currentWidget() is not window.view:
        app.processEvents()
    for _ in range(20):
        app.processEvents()
    image: QImage = window.grab().toImage()
    image.setDotsPerMeterX(round(96 / 0.0254 * image.devicePixelRatio()))
    image.setDotsPerMeterY(round(96 / 0.0254 * image.devicePixelRatio()))
    image.save(str(target))
    window.close()
    window.deleteLater()
    app.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    child.shutdown()


def main() -> int:
    """Make all pictures, each in its own process."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, theme, scale in KINDS:
            environment = {
                **os.environ, "QT_QPA_PLATFORM": "offscreen", "QT_SCALE_FACTOR": scale,
                "SODALITE_CONFIG_DIR": f"{folder}/{name}", "SODALITE_STATE_DIR": f"{folder}/{name}",
            }
            command = [sys.executable, __file__, str(PICTURES / name), theme]
            subprocess.run(command, env=environment, check=True)
            print(f"docs/pictures/{name}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    if len(sys.argv) == 3:
        make(Path(sys.argv[1]), sys.argv[2])
    else:
        raise SystemExit(main())
