"""Runs from Python: as the README shows it, and in a notebook, where an event loop is running."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from commands import TOP, desk
from nbclient import NotebookClient

from components.errors import InputError
from flows import run_rolling

pytestmark = pytest.mark.acceptance

NOTEBOOK = TOP / "docs" / "first_run.ipynb"


def executed(cells: list[str], home: Path, monkeypatch: pytest.MonkeyPatch, **environ: str) -> list[Any]:
    """The outputs of each cell, run by a kernel with a home of its own."""
    place = desk(home, **environ)
    for name in [name for name in place.environ if name.startswith("PREFECT_") and name not in environ]:
        monkeypatch.delenv(name)
    for name, value in place.environ.items():
        if not name.startswith("PREFECT_") or name in environ:
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONPATH", f"{TOP}:{TOP / 'tests'}")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": home}}).execute()
    return [cell.outputs for cell in notebook.cells]


def text(outputs: Any) -> str:
    """What a cell shows as text."""
    parts = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs]
    return "".join(parts)


def test_the_notebook_of_the_docs_runs_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)  # they would tell of somebody's machine
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    began, predictions, metrics, windows, best, report = executed(cells, tmp_path, monkeypatch)
    assert "4 windows of experiment demo, 0 done already" in text(began)
    assert re.search(r"watch  http://127\.0\.0\.1:\d+/runs/flow-run/[0-9a-f-]{36}", text(began))
    assert "4/4 window" in text(began)
    assert "2020-12-31" in text(predictions)
    assert "Rank ICIR" in text(metrics)
    assert text(windows).count("done") == 4
    assert "Name: score" in text(best)
    (page,) = (output["data"]["text/html"] for output in report)
    assert page.startswith("<iframe srcdoc=")
    assert "&lt;h1" in page


def test_a_run_with_a_failing_window_is_in_hand_and_the_next_one_ends_it(
    tmp_path: Path, prefect_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = desk(tmp_path)
    broken = tmp_path / "broken"
    broken.write_text("2016-04-01")
    config = here.config(fail=str(broken))
    cells = [
        f"import prefect\nfrom flows import run_rolling\nrun = run_rolling({str(config)!r}, step=100, retries=1)",
        "run",
        "run.failed['error'].tolist()",
        f"import os\nos.remove({str(broken)!r})\nrun = run_rolling({str(config)!r}, step=100)\nrun",
        "run.windows['status'].tolist(), run.predictions.index.names, len(run.failed)",
    ]
    began, shown, failed, again, after = executed(cells, tmp_path, monkeypatch, PREFECT_API_URL=prefect_url)
    assert "1 of 2 windows failed: 2016-04-01" in text(began)
    assert "<run of small: 1 of 2 windows done; IC " in text(shown)
    assert text(failed) == "['RuntimeError: told to fail in 2016-04-01']"
    assert "2 of 2 windows done" in text(again)
    assert text(after) == "(['done', 'reused'], FrozenList(['datetime', 'instrument']), 0)"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"config": "/nowhere.yaml"}, "/nowhere.yaml"),
        ({"step": 0}, "step: 0 is not a positive number"),
        ({"data": "demoo:"}, "demoo"),
    ],
)
def test_wrong_input_is_an_error_before_anything_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], message: str
) -> None:
    monkeypatch.setenv("ROLLFLOW_HOME", str(tmp_path / "home"))
    with pytest.raises(InputError, match=message):
        run_rolling(**options)
    assert not (tmp_path / "home").exists()


def test_the_lines_of_the_readme_are_those_that_are_tested() -> None:
    """The README's example has the calls of the notebook."""
    (example,) = re.findall(
        r"```python\n(from flows import.*?)```", (TOP / "README.md").read_text("utf-8"), re.DOTALL
    )
    notebook = "\n".join(cell.source for cell in nbformat.read(NOTEBOOK, as_version=4).cells)
    for line in example.splitlines():
        assert line.partition("  #")[0].strip() in notebook, line
