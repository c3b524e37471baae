"""Processing of spectra before they are fitted: recorded steps, new spectra from several, drift of sweeps, gain, edge.

Each module holds one subject. Steps are functions of a spectrum and a `Step`; `fitting.recipe.STEPS` lists them.
"""
