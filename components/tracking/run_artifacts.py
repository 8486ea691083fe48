"""The artifacts of one run, on this machine or fetched from a server."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import uuid4

import pyarrow.parquet as pq

from components.errors import Unavailable
from components.tracking.artifact_files import draft_beside, folder_of, publish, remove_dead_drafts
from components.tracking.errors import ArtifactBroken, ArtifactMissing, RunMissing
from components.tracking.faults import disk_fault, one_line
from components.tracking.store import Store


class RunArtifacts:
    """Reads and writes the artifacts of a run.

    Args:
        store: Where the run is.
        run_id: Its id.
        uri: Address of its artifacts; None: MLflow is asked for it.
        confirm: Called before anything is written; raises when the writer may no longer write to the run.
    """

    def __init__(
        self, store: Store, run_id: str, uri: str | None = None, confirm: Callable[[], object] | None = None
    ) -> None:
        self._store = store
        self._run_id = run_id
        self._uri = uri
        self._confirm = confirm

    @contextmanager
    def writing(self) -> Iterator[Path]:
        """A folder to write into; what is there when the block ends well becomes artifacts.

        Raises:
            Unavailable: when a disk or the store cannot be used now.
        """
        self.clear()
        try:
            with self._draft() as draft:
                yield draft
                if self._confirm:
                    self._confirm()
                if self.folder is None:
                    self._store.ask(
                        f"artifacts of run {self._run_id}",
                        lambda client: client.log_artifacts(self._run_id, str(draft)),
                        RunMissing,
                    )
                elif any(draft.iterdir()):
                    publish(draft, self.folder)
        except OSError as error:
            raise (disk_fault(error, f"the place of run {self._run_id}'s artifacts") or error) from error

    def read(self, path: str, read: Callable[[Path], Any]) -> Any:
        """What a function makes of the file of an artifact.

        Raises:
            ArtifactMissing: when the run has none.
            ArtifactBroken: when it cannot be read.
        """
        with self.opened(path) as place:
            try:
                return read(place)
            except OSError as error:
                raise disk_fault(error, place) or self._broken(path, error) from error
            except ValueError as error:  # Arrow's and JSON's are of this kind
                raise self._broken(path, error) from error

    @contextmanager
    def opened(self, path: str) -> Iterator[Path]:
        """An artifact on this machine while the block lasts; not to be written to.

        Raises:
            ArtifactMissing: when the run has none.
        """
        with tempfile.TemporaryDirectory(prefix="rollflow-") if self.folder is None else nullcontext() as folder:
            yield self._fetched(path, folder)

    def download(self, path: str, to: Path | None = None) -> Path:
        """An artifact, a file or a folder, on this machine; see `Recorder.download`.

        Raises:
            ArtifactMissing: when the run has none.
        """
        if to is None:
            if self.folder or self._store.downloads is None:
                return self._fetched(path, None)
            to = self._store.downloads / self._run_id
        with self.opened(path) as place:
            return _copied(place, to / path)

    def listed(self, folder: str = "") -> dict[str, int]:
        """Bytes of the files in a folder by path, -1 where they are not known; paths of folders end in a slash."""
        if self.folder:
            place = self._in_place(folder)
            entries = sorted(place.iterdir()) if place.is_dir() else []
            found = [
                (str(entry.relative_to(self.folder)), entry.is_dir(), entry.stat().st_size) for entry in entries
            ]
        else:
            infos = self._store.ask(
                f"artifacts of run {self._run_id}",
                lambda client: client.list_artifacts(self._run_id, folder or None),
                RunMissing,
            )
            found = [(each.path, each.is_dir, -1 if each.file_size is None else each.file_size) for each in infos]
        return {f"{path}/" if is_folder else path: size for path, is_folder, size in found}

    def unreadable(self, paths: Iterable[str]) -> str | None:
        """Why one of the artifacts cannot be read back, as far as a glance can tell; None when it finds nothing."""
        for path in paths:
            try:
                self._glance(path)
            except ArtifactMissing as error:
                return str(error)
        return None

    def clear(self) -> None:
        """Remove what processes that were killed have left of artifacts."""
        if self.folder:
            remove_dead_drafts(self.folder)

    @cached_property
    def folder(self) -> Path | None:
        """The artifacts if they are on this machine: asking MLflow for each file takes longer than reading it."""
        uri = self._uri or self._store.ask(
            f"run {self._run_id!r}", lambda client: client.get_run(self._run_id).info.artifact_uri, RunMissing
        )
        return folder_of(uri, self._store.artifacts)

    @contextmanager
    def _draft(self) -> Iterator[Path]:
        """A folder that is removed; for artifacts on this machine beside them, to be moved there."""
        if self.folder is None:
            with tempfile.TemporaryDirectory(prefix="rollflow-") as folder:
                yield Path(folder)
            return
        with draft_beside(self.folder) as draft:
            yield draft

    def _fetched(self, path: str, to: str | None) -> Path:
        """An artifact in place, or where there is none on this machine, fetched into a folder."""
        if self.folder:
            place = self._in_place(path)
            if not place.exists():
                raise ArtifactMissing(f"run {self._run_id} has no artifact {path!r} ({place})")
            return place
        what = f"artifact {path!r} of run {self._run_id}"
        try:
            fetched = self._store.ask(what, lambda client: client.download_artifacts(self._run_id, path, to))
        except Unavailable:
            raise
        except Exception as error:  # of whatever library knows the place
            if self._is_listed(path):
                raise
            raise ArtifactMissing(f"run {self._run_id} has no artifact {path!r}: {one_line(error)}") from error
        return Path(fetched)

    def _in_place(self, path: str) -> Path:
        """Where an artifact of this machine is, or would be; never outside the run's folder."""
        if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
            raise ArtifactMissing(f"run {self._run_id} has no artifact {path!r}: give a path within the run")
        return Path(self.folder or "", path)

    def _is_listed(self, path: str) -> bool:
        return not path or not {path, f"{path}/"}.isdisjoint(self.listed(_parent(path)))

    def _glance(self, path: str) -> None:
        """Look at size and end of a file, or at what the store says of it.

        Raises:
            ArtifactMissing: when it is not there.
            ArtifactBroken: when it is empty, or cut off.
        """
        if self.folder:
            size = self._fetched(path, None).stat().st_size
        elif path in (listed := self.listed(_parent(path))):
            size = listed[path]
        else:
            raise ArtifactMissing(f"run {self._run_id} has no artifact {path!r}")
        if size < 0:
            with self.opened(path) as place:
                size = place.stat().st_size
        if not size:
            raise self._broken(path, ValueError("the file is empty"))
        if self.folder and path.endswith(".parquet"):
            self.read(path, pq.read_metadata)

    def _broken(self, path: str, error: Exception) -> ArtifactBroken:
        return ArtifactBroken(f"run {self._run_id}: artifact {path!r} cannot be read: {one_line(error)}")


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _copied(place: Path, target: Path) -> Path:
    """A copy of a file or folder, which takes the place of an earlier one."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if place.is_dir():
        shutil.copytree(place, target, dirs_exist_ok=True)
        return target
    draft = target.with_name(f".{target.name}-{uuid4().hex}")
    shutil.copy2(place, draft)
    return draft.replace(target)
