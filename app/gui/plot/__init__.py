"""The plot of a spectrum: data, model, residuals, and the handles by which the model is dragged."""

from app.gui.plot.immortal import keep_constants

keep_constants()
