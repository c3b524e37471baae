"""What a command of the window is (the table of all of them is in `app.gui.actions`)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """One thing that the window does.

    Attributes
    ----------
    id : str
        Unique name, "fit.region".
    text : str
        As menus show it; "..." says that it asks for more before it acts.
    menu : str
        Menu in which it stands, "Fit" or "View/Theme".
    handler : str
        "controller.method" of the window.
    group : int
        Commands of a menu with different numbers are parted by a line.
    icon, shortcut, tip : str
        Name of the icon, key sequence, one sentence for the tooltip and the command search.
    toolbar : str
        Short word on the toolbar; "" where it is not on the toolbar.
    bar_group : int
        Buttons of the toolbar with different numbers are parted by a line.
    icon_only : bool
        The toolbar shows no word beside the icon.
    enabled : str
        Key of `CONDITIONS`.
    checkable : bool
        The handler is called with True or False (commands of an exclusive `choice`: with `argument`, when chosen).
    choice : str
        Name of the group of commands of which one is chosen.
    argument : str
        Passed to the handler.
    fill : str
        A submenu that the window fills when it opens: "recent", "samples", "backgrounds", "templates". Its rows call
        the handler with their own argument.
    local : bool
        The shortcut is handled by the widget that has the keyboard; here it is only shown.
    """

    id: str
    text: str
    menu: str
    handler: str
    group: int = 0
    icon: str = ""
    shortcut: str = ""
    tip: str = ""
    toolbar: str = ""
    bar_group: int = 0
    icon_only: bool = False
    enabled: str = "always"
    checkable: bool = False
    choice: str = ""
    argument: str = ""
    fill: str = ""
    local: bool = False
