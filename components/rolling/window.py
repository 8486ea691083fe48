"""The tasks of a rolling run in the pool, and their runs in the store."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from components.data import DataTrace, Market, Segment, to_day
from components.data.fingerprint import trace
from components.pool import RetryPolicy, TaskPool, TaskStatus
from components.rolling.changes import data_changes, lost_results
from components.tasks import TrainingTask, content_key
from components.tracking import PARENT_TAG, ExperimentManager, Recorder, RunMissing
from components.training import TrainingContext, build_handler, common_view, data_view

#: Tag by which the parent run of a set of windows is found again.
WINDOWS_TAG = "rollflow.windows"


@dataclass(frozen=True)
class Stored:
    """The tasks of a run, as they were stored."""

    #: Id of the MLflow run that holds what the windows have in common; None: there is one task and its own run.
    parent: str | None
    #: Name of the run in the pool, by which its tasks are found.
    run: str
    #: Ids of the tasks that were done before.
    done: frozenset[str]
    #: By id of a task: why it is trained again, although it was done before.
    changes: Mapping[str, str] = field(default_factory=dict)
    #: What to keep of the data that is learnt from; None: everything is done.
    trace: DataTrace | None = None


def store_windows(
    tasks: Sequence[TrainingTask],
    pool: TaskPool,
    experiments: ExperimentManager,
    experiment: str,
    market: Market,
    *,
    trusted: Iterable[str] = (),
    retry: RetryPolicy | None = None,
    timeout: float | None = None,
) -> Stored:
    """Put tasks into the pool, failed ones to wait again, and find or open the parent run of just these tasks.

    Args:
        tasks: The windows, bound to the data that they see.
        pool: Where to.
        experiments: The MLflow store.
        experiment: Id of the experiment of the parent run.
        market: The data that the tasks are bound to.
        trusted: Packages whose classes the tasks may name.
        retry: What happens after a failed attempt; None: what the pool's policy says.
        timeout: Time limit of an attempt in seconds, wherever it is made; None: none.
    """
    keys = [task.key for task in tasks]
    windows = content_key(keys)
    known = experiments.runs(experiment, {WINDOWS_TAG: windows})
    first, last = tasks[0].segments["test"][0], tasks[-1].segments["test"][1]
    name = f"rolling {first}..{last}, {len(keys)} windows"
    parent = known[0].id if known else experiments.start(experiment, name, tags={WINDOWS_TAG: windows}).id
    context = TrainingContext(
        experiment=experiment, parent=parent, days=common_days(tasks), data=market.uri, timeout=timeout
    )
    return _store(tasks, pool, experiments, context, market, trusted, retry)


def store_single(
    task: TrainingTask,
    pool: TaskPool,
    experiments: ExperimentManager,
    experiment: str,
    market: Market,
    *,
    trusted: Iterable[str] = (),
    retry: RetryPolicy | None = None,
    timeout: float | None = None,
) -> Stored:
    """Put the one task of a run into the pool, to wait again if it failed; see `store_windows`."""
    context = TrainingContext(experiment=experiment, data=market.uri, timeout=timeout)
    return _store([task], pool, experiments, context, market, trusted, retry)


def _store(
    tasks: Sequence[TrainingTask],
    pool: TaskPool,
    experiments: ExperimentManager,
    context: TrainingContext,
    market: Market,
    trusted: Iterable[str],
    retry: RetryPolicy | None,
) -> Stored:
    changes = data_changes(tasks, pool, experiments, market)
    run = context.parent or tasks[0].key
    keys = pool.submit(tasks, context=context.to_document(), retry=retry, run=run)
    pool.reset(ids=keys)
    finished = pool.find({"status": TaskStatus.DONE.value}, ids=keys)
    lost = lost_results(finished, experiments)
    pool.reset(ids=lost, status=[TaskStatus.DONE])
    done = frozenset(record.id for record in finished) - lost.keys()
    seen = None
    if len(done) < len(set(keys)):
        views = [data_view(task, build_handler(task, trusted), market) for task in tasks]
        seen = trace(market, common_view(views))
    return Stored(context.parent, run, done, changes | lost, seen)


def common_days(tasks: Sequence[TrainingTask]) -> Segment:
    """First and last day of what the handlers of all tasks need; None for an open end."""
    kwargs = [task.handler.get("kwargs") or {} for task in tasks]
    starts = [to_day(each["start_time"]) for each in kwargs if each.get("start_time")]
    ends = [to_day(each["end_time"]) for each in kwargs if each.get("end_time")]
    open_start, open_end = len(starts) < len(tasks), len(ends) < len(tasks)
    return (None if open_start else str(min(starts)), None if open_end else str(max(ends)))


def adopted(run_ids: Collection[str], experiments: ExperimentManager, parent: str | None) -> dict[str, Recorder]:
    """Runs by id, shown below a parent, if there is one, also where they are of an earlier rolling run.

    MLflow is asked once for those in the parent's experiment, and for each of the others.

    Raises:
        RunMissing: when a run is not in the store, or was deleted.
    """
    listed = experiments.runs(experiments.recorder(parent).experiment, ids=run_ids) if parent else []
    recorders = {run_id: experiments.recorder(run_id) for run_id in run_ids}
    recorders |= {run.id: experiments.recorder(run) for run in listed}
    for run_id in recorders.keys() - {run.id for run in listed}:
        _check(recorders[run_id])
    children = {run.id for run in listed if run.parent == parent}
    if parent:
        for run_id in recorders.keys() - children:
            recorders[run_id].set_tags({PARENT_TAG: parent})
    return recorders


def _check(recorder: Recorder) -> None:
    try:
        recorder.summary()
    except RunMissing as error:
        done = f'{{"result.recorder_id": "{recorder.id}"}}'
        raise RunMissing(
            f"a task is done, but what it left cannot be read: {error}; to train it again: "
            f"python -m components.pool reset --status done --query '{done}' --pool POOL"
        ) from None
