"""Thousands of tasks while workers, submitters and servers are killed: each is done once or given up, none is lost.

The rounds and what must hold after them are in ``chaos.py`` and ``chaos_check.py``.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from chaos import BOUNDARIES, Report, Round
from mongods import Mongod, ReplicaSet, running

pytestmark = pytest.mark.acceptance
LIMIT = 240  # seconds; some 20 on two cores with nothing else to do


def assert_severe(report: Report, servers: int) -> None:
    """A round proves little unless everything was killed that can be."""
    assert {boundary for boundary in map(str, BOUNDARIES) if not report.deaths[boundary]} == set()
    assert report.servers == servers
    assert min(report.killed, report.stopped, report.refused, report.deaths["of its task"]) > 0, report
    assert report.tasks.total() == 2000


def test_a_server_that_is_killed_again_and_again(tmp_path: Path) -> None:
    with running(Mongod(tmp_path / "mongod")) as server:
        trial = Round(server, tmp_path, seed=11, tasks=2000, servers=6)
        trial.run(LIMIT)
    assert_severe(trial.report, servers=6)


def test_a_replica_set_whose_primary_is_killed_again_and_again(replica_set: ReplicaSet, tmp_path: Path) -> None:
    trial = Round(replica_set, tmp_path, seed=12, tasks=2000, servers=4)
    trial.run(LIMIT)
    assert_severe(trial.report, servers=4)
