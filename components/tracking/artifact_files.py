"""Artifacts as files of this machine: where they are, and writing them so that they are whole or not there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname
from uuid import uuid4

from filelock import FileLock, Timeout

_DRAFT, _LOCK = "draft-", ".lock"


def folder_of(uri: str, root: Path | None) -> Path | None:
    """The folder of a run's artifacts, None when they are not on this machine.

    MLflow keeps absolute paths. When the home folder has been moved, what was recorded as
    ``OLD/artifacts/EXPERIMENT/RUN/artifacts`` is at the same path below the artifacts of the home as it is now.

    Args:
        uri: Address of the artifacts, as it is recorded.
        root: Folder of the artifacts of all experiments of the home; None: the store has none.
    """
    place = urlsplit(uri)
    if place.scheme not in ("", "file"):
        return None
    recorded = Path(url2pathname(place.path))
    if root is None or recorded.is_relative_to(root) or root.name not in recorded.parts[:-1]:
        return recorded
    above = len(recorded.parts) - 2 - recorded.parts[-2::-1].index(root.name)
    ours = root.joinpath(*recorded.parts[above + 1 :])
    return ours if _has_experiment(ours) or not _has_experiment(recorded) else recorded


@contextmanager
def draft_beside(folder: Path) -> Iterator[Path]:
    """A folder to be filled and published, beside the one that it is for; it is removed at the end.

    It is locked meanwhile, so that what a killed process has left can be told from what is being written.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = folder.with_name(f"{_DRAFT}{uuid4().hex}")
    with FileLock(f"{draft}{_LOCK}"):
        draft.mkdir()
        try:
            yield draft
        finally:
            _remove(draft)


def remove_dead_drafts(folder: Path) -> None:
    """Remove the drafts beside a folder whose writers are dead."""
    for lock in folder.parent.glob(f"{_DRAFT}*{_LOCK}"):
        with suppress(Timeout, OSError), FileLock(lock, timeout=0):
            _remove(lock.with_suffix(""))


def _remove(draft: Path) -> None:
    shutil.rmtree(draft, ignore_errors=True)
    with suppress(OSError):
        Path(f"{draft}{_LOCK}").unlink()


def publish(draft: Path, folder: Path) -> None:
    """Move what was written into a draft beside a folder into that folder, safe from a power loss.

    Each file is there as a whole or not at all, also where it replaces an earlier one; all at once where the folder
    is new.
    """
    paths = sorted(draft.rglob("*"))
    folders = [draft, *(path for path in paths if path.is_dir())]
    files = [path for path in paths if not path.is_dir()]
    for path in [*files, *reversed(folders)]:
        _flush(path)
    try:
        draft.rename(folder)
    except OSError:  # there are artifacts already
        for path in folders:
            (folder / path.relative_to(draft)).mkdir(exist_ok=True)
        for path in files:
            path.replace(folder / path.relative_to(draft))
        for path in folders:
            _flush(folder / path.relative_to(draft))
    _flush(folder.parent)


def _has_experiment(folder: Path) -> bool:
    """Whether the folder of its experiment, two above that of the run's artifacts, is there."""
    return folder.parents[1].is_dir()


def _flush(path: Path) -> None:
    """Wait until the disk has a file, or the entries of a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:
        if not path.is_dir():  # some network disks cannot do that for folders
            raise
    finally:
        os.close(descriptor)
