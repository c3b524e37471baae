"""X-ray photoelectron spectroscopy: charge reference, line areas, quantification."""
