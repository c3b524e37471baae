"""Words of the Factors page."""

from __future__ import annotations

METHODS = (
    ("mcr", "MCR: resolved spectra and amounts, zero or above"),
    ("nmf", "NMF: maximum likelihood of counts, zero or above"),
    ("pca", "PCA: directions of largest variance"),
)
TIP = (
    "Counts are divided by the roots of their row and column means, so that noise weighs the same everywhere. "
    "Without it strong channels decide alone."
)
AMBIGUITY = (
    "Factors are one of all sets that fit alike: without a channel or a pixel of its own a factor may be mixed with "
    "others. Errors of the amounts take the spectra as exact."
)
BANDS = (
    "Factors can often be mixed into one another without a worse fit. The bands show the least and the most that each "
    "factor can be (MCR-BANDS): nothing inside them can be told from the data alone."
)
