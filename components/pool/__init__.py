"""The task pool on MongoDB."""
