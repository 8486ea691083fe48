"""Every wrong input: one line that says what is wrong, status 2, in time, and nothing written anywhere."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from wrong_inputs import (
    configs,
    environments,
    expressions,
    handlers,
    models,
    online,
    options,
    own_classes,
    qlib_folders,
    records,
    tables,
    yaml_texts,
)
from wrong_inputs.case import Case
from wrong_inputs.forks import LIMIT, TOP, Forks, Outcome

AREAS = {
    "configs": configs.CASES,
    "yaml": yaml_texts.CASES,
    "expressions": expressions.CASES,
    "handlers": handlers.CASES,
    "models": models.CASES,
    "records": records.CASES,
    "tables": tables.CASES,
    "qlib": qlib_folders.CASES,
    "options": options.CASES,
    "online": online.CASES,
    "settings": environments.CASES,
    "own": own_classes.CASES,
}
ALL = [pytest.param(case, id=f"{area}: {case.name}") for area, cases in AREAS.items() for case in cases]
#: Commands that can say what would run; the others run at once.
PLANNED = ("flows.rolling", "flows.train")


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    with Forks() as process:
        yield process


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "here").mkdir()
    (tmp_path / "user").mkdir()
    return tmp_path / "here"


def environ(case: Case, folder: Path) -> dict[str, str]:
    """Only what a command needs, with a home that is not there yet."""
    own = {"PATH": os.environ["PATH"], "HOME": str(folder.parent / "user"), "TMPDIR": str(folder.parent)}
    own |= {"ROLLFLOW_HOME": str(folder.parent / "home"), "PYTHONPATH": str(folder), "LANG": "C.UTF-8"}
    return own | {name: value.replace("{here}", str(folder)) for name, value in case.environ.items()}


def seen(folder: Path) -> dict[str, tuple[int, int]]:
    """What lies below a folder; of files, size and time of the last change, too."""
    found = (path for path in folder.rglob("*") if "__pycache__" not in path.parts)
    return {
        str(path): (0, 0) if path.is_dir() else ((status := path.lstat()).st_size, status.st_mtime_ns)
        for path in found
    }


def check(case: Case, outcome: Outcome, before: dict[str, tuple[int, int]], folder: Path) -> None:
    assert outcome.status is not None, f"no answer in {LIMIT} s\n{outcome.err[-2000:]}"
    assert "Traceback" not in outcome.err, outcome.err[-3000:]
    *above, line = outcome.err.splitlines() or [""]
    assert case.says in line, outcome.err[-3000:] + outcome.out[-500:]
    assert outcome.status == 2
    if line.startswith("error: "):
        assert above == []
    else:  # argparse tells the usage first
        assert ": error: " in line
        assert above[0].startswith("usage: ")
    assert len(line) < 700
    after = {
        path: what for path, what in seen(folder.parent).items() if not path.endswith(("here.out", "here.err"))
    }
    assert after == before, "something was written"


@pytest.mark.parametrize("case", ALL)
def test_wrong_input(case: Case, forks: Forks, folder: Path) -> None:
    case.prepare(folder)
    before = seen(folder.parent)
    for plan in [["--plan"], []] if case.command in PLANNED else [[]]:
        arguments = [argument.replace("{here}", str(folder)) for argument in (*case.arguments, *plan)]
        check(case, forks.run(case.command, arguments, folder, environ(case, folder)), before, folder)


#: Every 25th case, as a user would run it.
@pytest.mark.acceptance
@pytest.mark.parametrize("case", ALL[::25])
def test_wrong_input_in_a_process_of_its_own(case: Case, folder: Path) -> None:
    case.prepare(folder)
    before = seen(folder.parent)
    arguments = [argument.replace("{here}", str(folder)) for argument in case.arguments]
    paths = {"PYTHONPATH": os.pathsep.join([str(TOP), str(folder)])}
    process = subprocess.run(
        [sys.executable, "-m", case.command, *arguments],
        cwd=folder,
        env=environ(case, folder) | paths,
        capture_output=True,
        text=True,
        timeout=60,
    )
    check(case, Outcome(process.returncode, process.stdout, process.stderr), before, folder)


def test_the_tables_hold_at_least_300_cases_and_none_twice() -> None:
    names = [(area, case.name) for area, cases in AREAS.items() for case in cases]
    assert len(names) == len(set(names))
    assert len(names) >= 300
