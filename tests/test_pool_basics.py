from __future__ import annotations

from components.pool import TaskPool, TaskStatus
from components.tasks import TrainingTask, content_key


def test_one_task_from_submission_to_result(pool: TaskPool) -> None:
    definition = {"model": {"class": "LGBModel"}, "seed": 7}
    assert pool.submit([definition]) == [content_key(definition)]
    record = pool.claim(owner="host:1")
    assert record is not None
    assert (record.definition, record.owner, record.token, record.attempts) == (definition, "host:1", 1, 1)
    assert pool.claim(owner="host:2") is None
    pool.heartbeat(record, progress={"iteration": 3})
    assert pool.get(record.id).progress == {"iteration": 3}
    pool.complete(record, result={"IC": 0.04})
    assert pool.get(record.id).result == {"IC": 0.04}
    assert pool.counts() == {TaskStatus.DONE: 1}


def test_a_training_task_is_stored_under_its_key(pool: TaskPool) -> None:
    task = TrainingTask.from_config(
        {
            "model": {"class": "LGBModel", "kwargs": {"lr": 0.1}},
            "dataset": {"class": "DatasetH", "kwargs": {"segments": {"train": ["2010-01-01", None]}}},
        }
    )
    assert pool.submit([task]) == [task.key]
    assert TrainingTask.from_config(pool.get(task.key).definition) == task
    assert [record.id for record in pool.find({"definition.model.class": "LGBModel"})] == [task.key]
