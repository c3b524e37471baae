"""Factor analysis of many spectra of counts: PCA, NMF and MCR with Poisson scaling, and how many factors there are."""
