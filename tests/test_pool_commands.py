"""``python -m components.pool``, most of it in this process on the real mongod."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from components.errors import InputError
from components.pool import RetryPolicy, TaskPool, TaskStatus
from components.pool.__main__ import main


def run(pool: TaskPool, url: str, *words: str) -> int:
    return main([words[0], "--url", url, "--database", pool.database, "--pool", pool.name, *words[1:]])


def asked(capsys: pytest.CaptureFixture[str], pool: TaskPool, url: str, *words: str) -> Any:
    capsys.readouterr()
    assert run(pool, url, *words, "--json") == 0
    return json.loads(capsys.readouterr().out)


def window(year: int) -> dict[str, Any]:
    segments = {"train": ["2008-01-01", f"{year - 1}-12-31"], "test": [f"{year}-01-01", f"{year}-12-31"]}
    return {"model": {"class": "LGBModel"}, "dataset": {"kwargs": {"segments": segments}}}


@pytest.fixture
def years(pool: TaskPool) -> list[str]:
    """Four windows, 2017 done, 2018 and 2019 failed, 2020 waiting; their ids."""
    pool.retry = RetryPolicy(max_attempts=1)
    ids = pool.submit([window(year) for year in range(2017, 2021)])
    for error in (None, ValueError("no rows before 2018-03-01"), ValueError("no rows before 2019-07-09")):
        record = pool.claim("node1:7")
        assert record is not None
        pool.complete(record, {"IC": 0.04}) if error is None else pool.fail(record, error)
    return ids


def test_counts_and_list(
    capsys: pytest.CaptureFixture[str], pool: TaskPool, years: list[str], mongo_url: str
) -> None:
    expected = {"waiting": 1, "running": 0, "part_done": 0, "done": 1, "failed": 2, "cancelled": 0}
    assert asked(capsys, pool, mongo_url, "counts") == expected
    assert asked(capsys, pool, mongo_url, "list")[pool.name] == expected
    assert run(pool, mongo_url, "counts") == 0
    assert "cancelled" in capsys.readouterr().out


def test_other_collections_are_no_pools(
    capsys: pytest.CaptureFixture[str], pool: TaskPool, years: list[str], mongo_url: str
) -> None:
    with MongoClient[dict[str, Any]](mongo_url) as client:
        database = client[pool.database]
        database["served_models"].insert_one({"status": "online"})
        database.create_collection("a_view", viewOn="served_models")
        database["served_models"].create_index("status")
        pools = asked(capsys, pool, mongo_url, "list")
        assert pool.name in pools
        assert not {"served_models", "a_view"} & pools.keys()
        with TaskPool(mongo_url, pool.database, "served_models") as other:
            assert not other.exists()
            with pytest.raises(InputError, match=r"has no pool 'served_models'; it has: .*pool_"):
                other.check_exists()
        for name in ("served_models", "a_view"):
            database.drop_collection(name)


def test_an_emptied_pool_is_still_one(pool: TaskPool, years: list[str]) -> None:
    pool.remove({})
    assert pool.exists()


def test_query_and_show(
    capsys: pytest.CaptureFixture[str], pool: TaskPool, years: list[str], mongo_url: str
) -> None:
    def found(*words: str) -> list[str]:
        return [task["id"] for task in asked(capsys, pool, mongo_url, "query", *words)]

    assert found() == years
    assert found("--limit", "2") == years[:2]
    assert found("--window", "2018-06-01") == [years[1]]
    assert found("--query", '{"status": "failed"}') == years[1:3]
    assert found("--error", "2019-0[0-9]") == [years[2]]
    assert found("--error", "ValueError", "--window", "2017-06-01") == []
    assert found("--id", years[3][:10], "--id", years[0]) == [years[0], years[3]]
    shown = asked(capsys, pool, mongo_url, "show", years[1][:12])
    assert [event["status"] for event in shown["history"]] == ["waiting", "running", "failed"]
    assert shown["errors"][0]["message"] == "no rows before 2018-03-01"
    assert run(pool, mongo_url, "show", years[1]) == 0
    assert "no rows before 2018-03-01" in capsys.readouterr().out
    assert run(pool, mongo_url, "query") == 0


def test_failures_are_grouped_and_rerun(
    capsys: pytest.CaptureFixture[str], pool: TaskPool, years: list[str], mongo_url: str
) -> None:
    (group,) = asked(capsys, pool, mongo_url, "failures")
    assert (group["type"], group["pattern"], group["ids"]) == ("ValueError", "no rows before …", years[1:3])
    assert run(pool, mongo_url, "failures") == 0
    assert asked(capsys, pool, mongo_url, "rerun", "--window", "2019-06-01") == {"changed": 1}
    assert pool.get(years[2]).status is TaskStatus.WAITING
    assert asked(capsys, pool, mongo_url, "rerun", "--error", "no rows") == {"changed": 1}


def test_prioritise_reset_cancel_remove(
    capsys: pytest.CaptureFixture[str], pool: TaskPool, years: list[str], mongo_url: str
) -> None:
    assert asked(capsys, pool, mongo_url, "prioritise", "7", "--id", years[3]) == {"changed": 1}
    assert pool.get(years[3]).priority == 7
    for words in (("reset", "--status", "done"), ("cancel",), ("remove", "--all")):
        assert run(pool, mongo_url, *words) == 2  # nobody is there to be asked
        assert "add --yes" in capsys.readouterr().err
    assert run(pool, mongo_url, "remove", "--yes") == 2
    assert "say which tasks" in capsys.readouterr().err
    assert pool.counts().total() == 4
    assert asked(capsys, pool, mongo_url, "reset", "--status", "done", "failed", "--yes") == {"changed": 3}
    assert asked(capsys, pool, mongo_url, "cancel", "--id", years[0], "--yes") == {"changed": 1}
    assert asked(capsys, pool, mongo_url, "remove", "--all", "--yes") == {"changed": 4}


def test_wait(capsys: pytest.CaptureFixture[str], pool: TaskPool, years: list[str], mongo_url: str) -> None:
    assert run(pool, mongo_url, "wait", "--timeout", "0.1") == 1
    assert "1 tasks" in capsys.readouterr().err
    pool.cancel()
    assert run(pool, mongo_url, "wait") == 1  # two failed
    assert run(pool, mongo_url, "wait", "--id", years[0]) == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["query", "--query", "{status"], "--query is not JSON"),
        (["query", "--query", "[]"], "expected a JSON object"),
        (["query", "--query", '{"a": {"$nope": 1}}'], "unknown operator: $nope"),
        (["query", "--window", "June"], "write it as YYYY-MM-DD"),
        (["query", "--error", "("], "Regular expression is invalid"),
        (["show", "nothing"], "no task whose id starts with 'nothing'"),
        (["rerun", "--id", "nothing"], "no task whose id starts with 'nothing'"),
    ],
)
def test_wrong_input_is_one_line(
    capsys: pytest.CaptureFixture[str],
    pool: TaskPool,
    years: list[str],
    mongo_url: str,
    words: list[str],
    message: str,
) -> None:
    assert run(pool, mongo_url, *words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert message in line


def test_a_pool_that_is_not_there_is_a_slip(
    capsys: pytest.CaptureFixture[str], years: list[str], pool: TaskPool, mongo_url: str
) -> None:
    for command in ("counts", "wait"):  # which would else say at once that all is done
        assert main([command, "--url", mongo_url, "--database", "tests", "--pool", "roling"]) == 2
        error = capsys.readouterr().err
        assert error.startswith("error: database 'tests' has no pool 'roling'; it has: ")
        assert pool.name in error
    pool.remove({})
    assert run(pool, mongo_url, "counts") == 0  # an empty one is one


def test_the_latest_pool_is_meant_when_none_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, mongo_url: str
) -> None:
    place = ["--url", mongo_url, "--database", tmp_path.name.replace(".", "_")]
    for words in (["counts", "--json"], ["wait"], ["remove", "--all", "--yes"]):
        assert main([*words, *place]) == 2
        assert "has no pool yet" in capsys.readouterr().err
    with TaskPool(mongo_url, place[3], "zebra") as pool:
        pool.submit([{"n": 1}])
    assert main(["counts", "--json", *place]) == 0
    shown = capsys.readouterr()
    assert (json.loads(shown.out)["waiting"], shown.err) == (1, "pool zebra\n")
    time.sleep(0.01)
    with TaskPool(mongo_url, place[3], "ant") as pool:
        pool.submit([{"n": 1}, {"n": 2}])
    assert main(["counts", "--json", *place]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["waiting"] == 2
    assert shown.err == "pool ant (the latest of 2; another: --pool NAME)\n"
    for words in (["remove", "--all", "--yes"], ["reset", "--yes"], ["cancel", "--yes"]):  # not by guessing
        assert main([*words, *place]) == 2
        assert capsys.readouterr().err == "error: say which pool with --pool: ant, zebra\n"


def test_show_begins_with_the_essentials(
    capsys: pytest.CaptureFixture[str], pool: TaskPool, years: list[str], mongo_url: str
) -> None:
    assert run(pool, mongo_url, "show", years[1]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["task", years[1]]
    assert lines[1].split() == ["status", "failed,", "attempt", "1", "of", "1"]
    assert lines[2].split() == ["test", "2018-01-01..2018-12-31"]
    assert lines[-1] == "}"  # all of it, as JSON
    history = [line.split()[2:4] for line in lines if line.startswith("20")]
    assert history == [["waiting", "0"], ["running", "node1:7"], ["failed", "node1:7"]]
    assert run(pool, mongo_url, "show", years[0]) == 0
    assert ["result", '{"IC":', "0.04}"] in [line.split() for line in capsys.readouterr().out.splitlines()]


def test_lists_fit_a_narrow_terminal(pool: TaskPool, mongo_url: str) -> None:
    pool.submit([window(2017), window(2018)], retry=RetryPolicy(max_attempts=1))
    owner = f"{'node' * 12}.example.org:12345"
    failed, held = pool.claim(owner), pool.claim(owner)
    assert failed is not None
    assert held is not None
    pool.fail(failed, ValueError("no rows " * 30))
    place = ["--url", mongo_url, "--database", "tests"]
    named = [*place, "--pool", pool.name]
    commands = [["list", *place]] + [[*words, *named] for words in (["query"], ["failures"], ["show", held.id])]
    script = f"from components.pool.__main__ import main; print([main(words) for words in {commands}])"
    ours, theirs = pty.openpty()
    env = os.environ | {"COLUMNS": "80", "TERM": "dumb"}
    with subprocess.Popen([sys.executable, "-c", script], stdout=theirs, env=env):
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # the end of a terminal
            while part := os.read(ours, 4096):
                shown += part
        os.close(ours)
    lines = shown.decode().splitlines()
    assert lines[-1] == "[0, 0, 0, 0]"
    assert max(len(line) for line in lines) <= 80
    starts = [line.split()[0] for line in lines if line]
    assert {pool.name, held.id[:8], failed.id[:8]} <= set(starts)
    assert any(failed.id[:8] in line.split() and "ValueError" in line for line in lines)


def test_tasks_are_chosen_by_their_run(
    capsys: pytest.CaptureFixture[str], pool: TaskPool, years: list[str], mongo_url: str
) -> None:
    pool.submit([window(2019), window(2020)], run="nightly")
    assert [task["id"] for task in asked(capsys, pool, mongo_url, "query", "--run", "nightly")] == years[2:]
    assert asked(capsys, pool, mongo_url, "remove", "--run", "nightly", "--yes") == {"changed": 2}


def test_an_unknown_state_is_named_with_those_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["reset", "--status", "runing"])
    assert "unknown state 'runing'; the states are waiting, running, part_done" in capsys.readouterr().err


@pytest.mark.parametrize(("answer", "left"), [("y\n", 0), ("n\n", 4), ("\n", 4), ("", 4)])
def test_what_destroys_asks_first(pool: TaskPool, years: list[str], mongo_url: str, answer: str, left: int) -> None:
    words = ["remove", "--all", "--url", mongo_url, "--database", "tests", "--pool", pool.name]
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "components.pool", *words]
    with subprocess.Popen(
        command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as asked:
        os.close(theirs)
        os.write(ours, answer.encode() or b"\x04")  # the end of the input
        out, err = asked.communicate(timeout=30)
        os.close(ours)
    assert err.startswith(f"delete 4 tasks of pool {pool.name!r} with results and history? [y/N] ")
    assert (asked.returncode, out) == ((2, "") if left else (0, "4 tasks removed\n"))
    assert pool.count() == left


def test_tables_are_one_line_a_task_also_for_other_programs(
    pool: TaskPool, years: list[str], mongo_url: str
) -> None:
    words = ["--url", mongo_url, "--database", "tests", "--pool", pool.name]
    shown = subprocess.run(
        [sys.executable, "-m", "components.pool", "query", *words], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert shown[0].split() == ["id", "status", "prio", "tries", "test", "updated", "owner", "or", "error"]
    assert [line.split()[:2] for line in shown[1:]] == [
        [years[0][:8], "done"],
        [years[1][:8], "failed"],
        [years[2][:8], "failed"],
        [years[3][:8], "waiting"],
    ]
    assert shown[2].rstrip().endswith("ValueError: no rows before 2018-03-01")


def test_a_reader_that_goes_away_is_no_error(pool: TaskPool, mongo_url: str) -> None:
    pool.submit([{"n": n, "padding": "x" * 20_000} for n in range(200)])
    words = ["query", "--json", "--url", mongo_url, "--database", "tests", "--pool", pool.name]
    command, pipe = [sys.executable, "-m", "components.pool", *words], subprocess.PIPE
    env = os.environ | {"PYTHONUNBUFFERED": ""}  # which hides it
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=env) as writer:
        assert writer.stdout is not None
        assert writer.stderr is not None
        assert writer.stdout.readline() == "[\n"
        writer.stdout.close()
        assert writer.stderr.read() == ""
    assert writer.returncode == 0


def test_the_private_mongod_is_the_default(tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith("ROLLFLOW_")}
    command = [sys.executable, "-m", "components.pool", "counts", "--json"]
    outcome = subprocess.run(
        command, env=env | {"ROLLFLOW_HOME": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert outcome.returncode == 2
    assert outcome.stderr.startswith("error: database 'rollflow' has no pool yet")
    wrong = subprocess.run(command, env=env | {"ROLLFLOW_HOMES": "x"}, capture_output=True, text=True, check=False)
    assert (wrong.returncode, len(wrong.stderr.splitlines())) == (2, 1)


def test_help_waits_for_no_large_library() -> None:
    ask = "import sys; from components.pool.__main__ import main\n"
    ask += "try: main(['--help'])\nexcept SystemExit: print(*sys.modules, file=sys.stderr)"
    outcome = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert "Look after task pools." in outcome.stdout
    assert not {"lightgbm", "mlflow", "prefect"} & set(outcome.stderr.split())
