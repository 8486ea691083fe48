"""`python -m components.features`: what is stored, and deleting it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from small_matrices import URI, handler

from components.data import open_market
from components.features import MatrixStore
from components.features.__main__ import main


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MatrixStore:
    """Two matrices in the home folder."""
    monkeypatch.setenv("ROLLFLOW_HOME", str(tmp_path))
    store, market = MatrixStore(tmp_path / "features"), open_market(URI)
    for universe in ("demo", ("DEMO001", "DEMO002")):
        store.open(handler(instruments=universe, end_time="2016-06-30"), market)
    return store


def test_list(store: MatrixStore, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    title, *lines = capsys.readouterr().out.splitlines()
    assert title.startswith("2 feature matrices, 0.")
    for stored, line, universe in zip(store.matrices(), lines, ["2 instruments", "demo"], strict=True):
        assert line.startswith(f"{stored.key[:12]}  DataHandlerLP {universe}  2015-01-02..2016-06-30  0.")
        assert line.endswith("demo:?instruments=30&seed=7&years=2")


def test_list_for_scripts(store: MatrixStore, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["universe"] for each in found] == ["2 instruments", "demo"]
    assert found[0].keys() == {
        "folder", "key", "handler", "universe", "uri", "start", "end", "size", "last_use"
    }  # fmt: skip
    assert sum(each["size"] for each in found) == store.size()


def test_clear_asks_and_deletes_what_is_named(store: MatrixStore, capsys: pytest.CaptureFixture[str]) -> None:
    newest, oldest = store.matrices()
    assert main(["clear"]) == 2
    assert "add --yes to do it" in capsys.readouterr().err
    assert main(["clear", "f" * 64, "--yes"]) == 2
    assert "no matrix has a key that starts with" in capsys.readouterr().err
    assert main(["clear", oldest.key[:10], "--yes", "--json"]) == 0
    assert [each["key"] for each in json.loads(capsys.readouterr().out)] == [oldest.key]
    assert store.matrices() == [newest]
    assert main(["clear", "--yes"]) == 0
    assert store.matrices() == []
