"""What can be wrong with experiments, runs and artifacts, each explained in one line."""

from __future__ import annotations

from components.errors import InputError, RollflowError


class RunMissing(InputError):
    """There is no run of that id, or it was deleted."""


class ExperimentMissing(InputError):
    """There is no experiment of that name or id, or it was deleted."""


class ArtifactMissing(RollflowError):
    """A run does not have the artifact that was asked for."""


class ArtifactBroken(ArtifactMissing):
    """A run has the artifact, but it cannot be read: it is empty, cut off or damaged."""
