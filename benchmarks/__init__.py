"""One script per claim; each prints its figures and ratios. `python -m benchmarks` runs all of them."""
