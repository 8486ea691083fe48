"""A service whose process is killed at its writes, and goes on.

``python killed_service.py CONFIG FOLDER begun|new FIRST-LAST`` or ``... KIND KIND ...``

Each try is a child process that kills itself just before one of its writes to MongoDB, to MLflow's database or to
the disk: from the first to the last number, or the last of each kind. Another one then does the same again, and the
end state is put beside that of a service that nobody killed, in FOLDER/found.json. Servers and home are those of
the environment; ``begun``: the service has served its first day before.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import bson

# imported before the forks, so that each child need not
import mlflow.store.tracking.sqlalchemy_store  # noqa: F401
import sklearn.linear_model  # noqa: F401
from pymongo import MongoClient, monitoring
from sqlalchemy import event
from sqlalchemy.engine import Engine

import components.features.kernels  # noqa: F401
from components.serving import outcome, show_in_mlflow
from components.settings import Settings
from components.tracking import open_store
from flows.online.options import RoutineOptions
from flows.online.service import opened

HOME = Path(os.environ["ROLLFLOW_HOME"])
URL, DATABASE = os.environ["ROLLFLOW_MONGO_URL"], os.environ["ROLLFLOW_DATABASE"]
#: What is done before anything is killed, and what is done then: the day, and whether it is the service's first.
FIRST, LAST = "2020-06-11", "2020-06-15"

_WRITES = {"insert", "update", "delete", "findAndModify", "createIndexes"}
_SQL = re.compile(r"(INSERT INTO|UPDATE|DELETE FROM) (\w+)")
#: Tags that are the same each time.
_TAGS = {"rollflow.day", "rollflow.task", "online_status"}
_DISK = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate"}


@dataclass
class Writes(monitoring.CommandListener):
    """Counts the writes of this process, and kills it at one of them."""

    #: Number of the write before which it is killed; 0: none.
    kill_at: int = 0
    kinds: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, kind: str) -> None:
        with self._lock:
            self.kinds.append(kind)
            if len(self.kinds) == self.kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    def watch(self) -> None:
        """From now on."""
        monitoring.register(self)
        event.listen(Engine, "before_cursor_execute", self._sql)
        sys.addaudithook(self._audit)

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if event.command_name in _WRITES:
            name = event.command_name
            update = str(event.command.get("updates") or event.command.get("update") or "")
            why = re.search(r"'why': \{'\$literal': '(\w+)", update)
            if why or "lease_until" not in update:  # a heartbeat comes when it comes
                self(f"mongo {name} {event.command[name]} {why.group(1) if why else ''}".strip())

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None: ...

    def failed(self, event: monitoring.CommandFailedEvent) -> None: ...

    def _sql(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if found := _SQL.match(statement):
            self(f"mlflow {found[1]} {found[2]}")

    def _audit(self, name: str, given: tuple[Any, ...]) -> None:
        if name not in _DISK:
            return
        paths = [os.fsdecode(each) for each in given if isinstance(each, (str, bytes, os.PathLike))]
        if paths and Path(paths[-1]).is_relative_to(HOME):
            self(f"disk {name} {re.sub('[0-9a-f]{12,}', '*', str(Path(paths[-1]).relative_to(HOME)))}")


def forked(work: Callable[[], Any], result: Path | None = None) -> int:
    """Do something in a child process; its wait status."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    status = 1
    try:
        done = work()
        if result:
            result.write_text(json.dumps(done))
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def serve(config: str, last: str, kill_at: int = 0) -> list[str]:
    """Begin a service, or go on with it; the kinds of its writes."""
    writes = Writes(kill_at)
    writes.watch()
    with opened(RoutineOptions(config=config, day=date.fromisoformat(last))) as service:
        manager = service.open()
        served = manager.first_train(FIRST)
        served += manager.routine(last)
        outcome(manager, served, made=datetime(2020, 1, 1))
        show_in_mlflow(manager)
    return writes.kinds


def expire() -> None:
    """Let the leases of a killed process run out."""
    with MongoClient[dict[str, Any]](URL) as client:
        for name in client[DATABASE].list_collection_names():
            client[DATABASE][name].update_many(
                {"status": "running"}, {"$set": {"lease_until": datetime(2000, 1, 1)}}
            )


def save(folder: Path) -> None:
    """Copy the whole state."""
    if HOME.exists():
        shutil.copytree(HOME, folder / "home")
    with MongoClient[dict[str, Any]](URL) as client:
        tables = {name: list(client[DATABASE][name].find()) for name in client[DATABASE].list_collection_names()}
    (folder / "documents").write_bytes(bson.encode(tables))


def restore(folder: Path) -> None:
    """Bring the state back."""
    shutil.rmtree(HOME, ignore_errors=True)
    shutil.copytree(folder / "home", HOME)
    with MongoClient[dict[str, Any]](URL) as client:
        client.drop_database(DATABASE)
        for name, documents in bson.decode((folder / "documents").read_bytes()).items():
            if documents:
                client[DATABASE][name].insert_many(documents)


def portrait() -> dict[str, Any]:
    """All that a service leaves, less names and times that differ each time."""
    experiments = open_store(None, Settings.from_env().home)
    runs = {run.id: run for run in experiments.search()}
    with MongoClient[dict[str, Any]](URL) as client:
        tasks = {
            document["_id"]: {
                "status": document["status"],
                "result": document["result"],
                "is": document["definition"],
            }
            for name in client[DATABASE].list_collection_names()
            for document in client[DATABASE][name].find()
        }
    used = {task["result"]["recorder_id"]: task_id for task_id, task in tasks.items() if task["result"]}
    used |= {run.id: "service" for run in runs.values() if "rollflow.service" in run.tags}
    for task in tasks.values():
        if task["result"]:
            task["result"].pop("seconds", None)
    registered = experiments.client.search_registered_models()
    aliases = {
        f"{model.name} {alias}": experiments.client.get_model_version(model.name, version).run_id
        for model in registered
        for alias, version in model.aliases.items()
    }
    found: dict[str, Any] = {"tasks": tasks, "runs": {}, "aliases": aliases, "others": Counter()}
    for run in runs.values():
        if run.id not in used:
            found["others"][f"{run.status}"] += 1
            continue
        place = experiments.recorder(run.id).download("")
        files = {
            str(path.relative_to(place)): hashlib.sha256(_named(path.read_bytes(), used)).hexdigest()
            for path in sorted(place.rglob("*"))
            if path.is_file()
        }
        tags = {name: value for name, value in run.tags.items() if name in _TAGS}
        left = [path.name for path in place.parent.iterdir() if path != place]
        (found["runs"].setdefault(used[run.id], [])).append(
            {"status": str(run.status), "tags": tags, "files": files, "left": left}
        )
    return json.loads(_named(json.dumps(found, sort_keys=True, default=str).encode(), used))


def _named(content: bytes, used: dict[str, str]) -> bytes:
    for run, name in used.items():
        content = content.replace(run.encode(), name.encode())
    return content


def differences(one: Any, other: Any, path: str = "") -> list[str]:
    """Where two states differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        return [
            each
            for name in sorted({*one, *other})
            for each in differences(one.get(name), other.get(name), f"{path}/{name}")
        ]
    return [] if str(one) == str(other) else [f"{path}: {str(one)[:200]} instead of {str(other)[:200]}"]


def chosen(kinds: Sequence[str], asked: Sequence[str]) -> list[int]:
    """Numbers of the writes that are tried."""
    if asked[0][0].isdigit():
        first, last = map(int, asked[0].split("-"))
        return list(range(first, last + 1))
    return [len(kinds) - kinds[::-1].index(kind) for kind in asked]


def main(config: str, folder: Path, begun: bool, asked: Sequence[str]) -> None:
    """Kill, go on, compare."""
    before, kinds, wanted, got = (folder / name for name in ("before", "kinds", "wanted", "got"))
    before.mkdir(parents=True)

    def begin() -> None:
        with opened(RoutineOptions(config=config)) as service:
            service.open() if not begun else service.open().first_train(FIRST)

    assert forked(begin) == 0
    assert forked(lambda: save(before)) == 0
    assert forked(lambda: serve(config, LAST), kinds) == 0
    assert forked(portrait, wanted) == 0
    found: dict[str, Any] = {"kinds": json.loads(kinds.read_text()), "tries": {}}
    expected = json.loads(wanted.read_text())
    found["others"] = expected.pop("others")
    for number in chosen(found["kinds"], asked):
        assert forked(lambda: restore(before)) == 0
        killed = forked(lambda: serve(config, LAST, number))  # noqa: B023 - at once
        assert forked(expire) == 0
        after = forked(lambda: serve(config, LAST))
        assert forked(portrait, got) == 0
        state = json.loads(got.read_text())
        others = state.pop("others")
        found["tries"][number] = {
            "kind": found["kinds"][number - 1] if number <= len(found["kinds"]) else "",
            "killed": killed,
            "after": after,
            "others": others,
            "differences": differences(state, expected),
        }
        (folder / "found.json").write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3] == "begun", sys.argv[4:])
