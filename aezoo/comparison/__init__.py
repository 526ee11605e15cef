"""Runs side by side: a grid of them, one table, six ways to write it down."""
