"""What meets the world: files, projects, commands and the window.

`app.files`, `app.project` and `app.cli` work without Qt; only `app.gui` imports it.
"""

__version__ = "0.1.0"
