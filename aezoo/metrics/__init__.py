"""Measures of sets, reconstructions and codes: pure functions, a file each, generated first, real second.

They take numpy arrays or tensors and count in float64.
"""
