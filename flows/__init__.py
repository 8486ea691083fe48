"""Prefect flows. They wire; the components compute."""
