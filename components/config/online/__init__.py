"""The section `online` of a config."""
