"""Artifacts as files of this machine: where they are, and writing them so that they are whole or not there."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname


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
