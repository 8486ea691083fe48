"""Windows that have to be trained again although they were done: on other data, or with results that are lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from components.collection import READERS
from components.data import DataTrace, Market
from components.data.fingerprint import difference
from components.errors import InputError
from components.pool import TaskPool, TaskRecord, TaskStatus
from components.records import LABEL, PREDICTION
from components.tasks import TrainingTask
from components.tracking import ArtifactMissing, ExperimentManager, RunMissing

#: The trace of a run's data among the artifacts of its MLflow run.
DATA_TRACE = "data"

_SIGNAL = [f"{name}.parquet" for name in (PREDICTION, LABEL)]
_TEST = "definition.dataset.kwargs.segments.test"


def data_changes(
    tasks: Sequence[TrainingTask], pool: TaskPool, experiments: ExperimentManager, market: Market
) -> dict[str, str]:
    """What has changed since a window was last done on other data, by the id of its task now.

    Windows that are done on the data as it is now, or never were, are left out.
    """
    done = {record.id for record in pool.find({"status": TaskStatus.DONE.value}, ids=[task.key for task in tasks])}
    missing = [task for task in tasks if task.key not in done]
    earlier = _done_on_other_data(missing, pool)
    if not earlier:
        return {}
    traces = _traces(earlier.values(), experiments)
    found = {trace_of: difference(trace, market) for trace_of, trace in traces.items()}
    return {key: str(found.get(_kept_in(record)) or "data") for key, record in earlier.items()}


def lost_results(done: Sequence[TaskRecord], experiments: ExperimentManager) -> dict[str, str]:
    """Why the signal of a window that is done cannot be read back, by the id of its task; after a power loss, say.

    Windows whose MLflow run is not in the store are left out: that is another store, most likely.
    """

    def reason(record: TaskRecord) -> str | None:
        try:
            return experiments.recorder(record.result["recorder_id"]).unreadable(_SIGNAL)
        except RunMissing:
            return None

    with ThreadPoolExecutor(READERS) as readers:
        reasons = zip(done, readers.map(reason, done), strict=True)
        return {record.id: f"results, {why}" for record, why in reasons if why}


def _done_on_other_data(tasks: Sequence[TrainingTask], pool: TaskPool) -> dict[str, TaskRecord]:
    """The newest record of each task that is done, and is the same but for the data."""
    if not tasks:
        return {}
    tests = [list(task.segments["test"]) for task in tasks]
    records = pool.find({"status": TaskStatus.DONE.value, _TEST: {"$in": tests}})
    newest = {
        TrainingTask.from_config(record.definition).unbound_key: record
        for record in sorted(records, key=lambda record: record.updated_at)
    }
    return {task.key: newest[task.unbound_key] for task in tasks if task.unbound_key in newest}


def _traces(records: Iterable[TaskRecord], experiments: ExperimentManager) -> Mapping[str, DataTrace]:
    """Run -> the trace of its data, of the runs that still have one."""
    traces = {}
    for run_id in {_kept_in(record) for record in records}:
        try:
            traces[run_id] = DataTrace.from_document(experiments.recorder(run_id).load_json(DATA_TRACE))
        except (ArtifactMissing, InputError):  # without it, only what has changed cannot be named
            continue
    return traces


def _kept_in(record: TaskRecord) -> str:
    """The MLflow run that holds the trace of a task's data: its parent, or its own where it is alone."""
    return str(record.context.get("parent") or record.result["recorder_id"])
