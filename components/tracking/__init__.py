"""Experiment records on MLflow."""
