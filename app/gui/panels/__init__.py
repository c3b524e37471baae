"""The inspector: panels that show and change the document's selected spectrum, region and sample."""

from app.gui.plot.immortal import keep_constants

keep_constants()
