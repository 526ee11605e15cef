"""Reusable bodies of encoders, decoders and critics."""
