"""EELS: zero loss, thickness, deconvolution, Kramers-Kronig, cross-sections, core-loss background, quantification."""
