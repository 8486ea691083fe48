"""Prefect's and MLflow's UIs and the latest reports, in one place."""
