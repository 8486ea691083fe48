"""Scores by a saved model in a process of its own: `python load_model.py MODEL DATA`.

DATA holds the features to score, as a NumPy file; the scores are printed as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from small_datasets import dataset_of

from components.models import load_model

if __name__ == "__main__":
    X = np.load(sys.argv[2])
    model = load_model(Path(sys.argv[1]), trusted=sys.argv[3:])
    json.dump(model.predict(dataset_of(X, np.zeros(len(X)), test=1.0)).tolist(), sys.stdout)
