"""One module for each idea that a figure shows."""
