"""The sets that are held against the test rows: their names in results.json, and in tables."""

OWN = ("reconstruction", "generation")
"""What a model made."""
RECONSTRUCTION, GENERATION = OWN
REFERENCES = {"floor": "train against test", "mean": "mean image", "gaussian": "pixel Gaussian"}
"""What no model made.

floor:      other training rows: what a perfect generator would reach; no floor for reconstructions, which
            are made from the test rows themselves
mean:       the mean training row, over and over: nothing generated, nothing wrong on average
gaussian:   a normal distribution with mean and covariance of training rows, cut to the range
"""
FLOOR, MEAN, GAUSSIAN = REFERENCES
LABELS = {
    **REFERENCES,
    "reconstruction": "reconstruction",
    "generation": "generation",
    "stretched-reconstruction": "reconstruction, stretched",
    "stretched-generation": "generation, stretched",
    "lowest-reconstruction": "reconstruction, best of checkpoints on test",
    "lowest-generation": "generation, best of checkpoints on test",
}
"""All of them.

stretched:  each row's smallest value moved to 0, its largest to 1, and not rounded, as the FlexAE papers do
"""
PLAIN = (FLOOR, *OWN, MEAN, GAUSSIAN)
"""Those of a plain evaluation, as a table shows them."""
STRETCHED = (FLOOR, *OWN, "stretched-reconstruction", "stretched-generation", MEAN, GAUSSIAN)
"""Those of one with `--stretched`."""
