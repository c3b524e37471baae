"""Which elements a survey shows: peaks, the lines that elements would have, and the evidence for each element."""
