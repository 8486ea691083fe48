"""The peer's half of `benchmarks.pool`, run by an interpreter that has pyqlib and none of our code."""

import json
import sys
import time
from pathlib import Path

import qlib
from qlib.workflow.task.manage import TaskManager
from qlib.workflow.task.utils import get_mongodb


def main(url, database, pool, tasks_file, claims):
    qlib.init(mongo={"task_url": url, "task_db_name": database}, logging_level=40)
    tasks = json.loads(Path(tasks_file).read_text())
    manager = TaskManager(pool)
    start = time.perf_counter()
    manager.create_task(tasks)
    create = time.perf_counter() - start
    get_mongodb().client.admin.command("fsync")
    begin = time.perf_counter()
    for _ in range(min(int(claims), len(tasks))):
        task = manager.fetch_task()
        manager.commit_task_res(task, "0" * 32)
    print(json.dumps({"create": create, "work": time.perf_counter() - begin}))


if __name__ == "__main__":
    main(*sys.argv[1:])
