"""Models, datasets and the training of one task."""
