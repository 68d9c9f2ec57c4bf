"""How good a set of predictions is: scores with intervals and next to baselines, the same for every stage of a run."""
