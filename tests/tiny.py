"""Options of the smallest training on the command line."""

TINY = ("--backbone", "mlp", "--set", "backbone.hidden=[8]", "--batch-size", "8", "--latent-dim", "3")
