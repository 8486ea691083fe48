"""Collecting results from where they lie, with an account of what is not there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Generic

from components.collection.source import READERS, R, RunInfo, RunSource
from components.errors import RollflowError, Unavailable
from components.gc_pause import garbage_kept

Process = Callable[[Any], Any]


@dataclass(frozen=True)
class Missing:
    """A result that was looked for and is not among the collected ones."""

    #: Where it was looked for: the id of a run.
    run: str
    #: What the result would have been collected under.
    key: Hashable
    #: Why it is not there.
    reason: str

    def __str__(self) -> str:
        return f"{self.key} (run {self.run}): {self.reason}"


@dataclass(frozen=True)
class Collected:
    """What a collector found, and what it did not find."""

    #: Artifact -> {key: result}, or what processing made of it.
    results: Mapping[Any, Any]
    #: What should have been there.
    missing: tuple[Missing, ...] = ()


class Collector(ABC):
    """Collects results, then processes those of each artifact in turn. Calling it does both."""

    #: What to do to the results of each artifact, in order: groups, ensembles, any callable.
    process_list: Sequence[Process]

    @abstractmethod
    def collect(self) -> Collected:
        """The results as they lie there."""

    def process(self, collected: Collected) -> Collected:
        """The results of each artifact, after every process in turn."""
        results = dict(collected.results)
        for step in self.process_list:
            results = {artifact: step(value) for artifact, value in results.items()}
        return replace(collected, results=results)

    def __call__(self) -> Collected:
        """Collect and process."""
        return self.process(self.collect())


def pair(collector: str, artifact: Hashable) -> Hashable:
    """The key (collector, artifact)."""
    return collector, artifact


@dataclass(frozen=True, kw_only=True)
class MergeCollector(Collector):
    """The results of several collectors, each processed by its own, as those of one."""

    #: Name -> collector.
    collectors: Mapping[str, Collector]
    process_list: Sequence[Process] = ()
    #: (name of the collector, artifact) -> the key under which its results stand.
    merge_key: Callable[[str, Hashable], Hashable] = pair

    def collect(self) -> Collected:
        """The results of all collectors; of equal keys the later collector's counts."""
        found = {name: collector() for name, collector in self.collectors.items()}
        return Collected(
            {
                self.merge_key(name, artifact): value
                for name, collected in found.items()
                for artifact, value in collected.results.items()
            },
            tuple(missing for collected in found.values() for missing in collected.missing),
        )


#: In place of an artifact: the run itself, with its parameters and tags.
RAW = "__raw"


def run_id(run: RunInfo) -> Hashable:
    """The id of a run."""
    return run.id


def every_run(_: RunInfo) -> bool:
    """Chooses every run."""
    return True


@dataclass(frozen=True, kw_only=True)
class RecorderCollector(Collector, Generic[R]):
    """Artifacts of the runs of one experiment or several, as {artifact: {key of the run: result}}.

    Of several runs with one key the newest finished one counts. Whatever is not collected is among `missing`: a
    run of another status unless its key has been collected from another run, an artifact that a run lacks or
    that cannot be read, and a finished run that a newer one replaces.
    """

    source: RunSource[R]
    #: Names of the artifacts; or {name of the result: name of the artifact}. `RAW` stands for the run itself.
    artifacts: Sequence[str] | Mapping[str, str] = ("pred",)
    #: Run -> the key under which its results stand.
    rec_key: Callable[[R], Hashable] = run_id
    #: Which runs are looked at; the others are no concern of this collector.
    rec_filter: Callable[[R], bool] = every_run
    #: The statuses that a run may have; None: any.
    statuses: Collection[str] | None = ("FINISHED",)
    process_list: Sequence[Process] = ()
    #: Artifacts that are read at the same time.
    readers: int = READERS

    def collect(self) -> Collected:
        """Read all artifacts of all runs, several at a time.

        Raises:
            Unavailable: when the store does not answer.
        """
        runs = [run for run in self.source.runs() if self.rec_filter(run)]
        usable = [run for run in runs if self.statuses is None or run.status in self.statuses]
        newest = {self.rec_key(run): run for run in usable}
        missing = [
            Missing(run.id, key, f"replaced by the newer run {newest[key].id}")
            for run in usable
            if newest[key := self.rec_key(run)].id != run.id
        ] + [
            Missing(run.id, key, f"its status is {run.status}")
            for run in runs
            if (key := self.rec_key(run)) not in newest
        ]
        wanted = [(name, key, run) for name in self.artifacts for key, run in newest.items()]
        results: dict[str, dict[Hashable, Any]] = {name: {} for name in self.artifacts}
        with ThreadPoolExecutor(self.readers) as readers, garbage_kept():
            for (name, key, run), found in zip(wanted, readers.map(self._read, wanted), strict=True):
                if isinstance(found, _Unreadable):
                    missing.append(Missing(run.id, key, f"{name}: {found.reason}"))
                else:
                    results[name][key] = found
        return Collected(results, tuple(missing))

    def _read(self, wanted: tuple[str, Hashable, R]) -> Any:
        name, _, run = wanted
        artifact = self.artifacts[name] if isinstance(self.artifacts, Mapping) else name
        if artifact == RAW:
            return run
        try:
            return self.source.load(run, artifact)
        except Unavailable:
            raise  # it may all be there: nothing can be said of it now
        except (RollflowError, OSError, ValueError) as error:  # a damaged file is a ValueError of Arrow's
            return _Unreadable(str(error))


@dataclass(frozen=True)
class _Unreadable:
    reason: str
