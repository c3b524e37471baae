"""Forward models with known truth: measured-looking spectra of a composition that is known exactly.

They share no line shape and no background with the fit, so that a fit of them is a test and not an echo.
"""
