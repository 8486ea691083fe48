"""The parts that compute. None of them imports Prefect; only `pool` knows MongoDB, only `tracking` knows MLflow."""
