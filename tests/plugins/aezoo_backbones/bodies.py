"""What tests of backbones share."""

import torch


def count(module):
    return sum(p.numel() for p in module.parameters())


def mirrors(backbone, shape, batch=2, latent_dim=3):
    body, decoder = backbone.encoder(shape), backbone.decoder(latent_dim, shape)
    features = body(torch.rand(batch, *shape))
    assert features.shape == (batch, body.features)
    assert decoder(torch.randn(batch, latent_dim)).shape == (batch, *shape)
