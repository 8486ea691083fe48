"""Collecting, grouping and joining results."""
