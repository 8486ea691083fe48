"""A worker: takes tasks from a pool and trains them, on any machine."""
