"""What is known of codes of two numbers."""

import torch


def moments(z):
    return z.mean(dim=0), torch.cov(z.T)


def mass(prior):
    """The integral of a density, but for what lies far out."""
    side = torch.linspace(-14, 14, 561)
    log_prob = prior.log_prob(torch.cartesian_prod(side, side))
    return (log_prob.exp().sum() * (side[1] - side[0]) ** 2).item()
