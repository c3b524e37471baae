"""Candidate models of a region: which chemical states the data support, which they do not, and what stays open.

    grammar.py   what may stand in a model: states, line forms, rules
    states.py    the chemical states of the library's lines
    build.py     states -> a model that can be fitted
    search.py    models from one state on, by adding, taking away and exchanging states
    decide.py    whether k + 1 states are better than k, by simulated spectra
    evidence.py  what is left in the residuals; how plausible widths and energies are
    rank.py      all together: ranked candidates, weights, spread of the areas
"""
