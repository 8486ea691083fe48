"""Models that behave badly, for tests of what is around a training."""

from __future__ import annotations

import sys
from typing import Any

from sample_models import SlowModel


class QuittingModel(SlowModel):
    """Ends its process, as a program would that was made a model."""

    def fit(self, *_: Any, **__: Any) -> Any:
        sys.exit("enough")
