"""A fitted model as a folder: the model's own files, and a manifest that says how to load them."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Self

from components.build import find_class, trusting
from components.errors import RollflowError
from components.models.model import Model, ModelContractError

#: Folder of the fitted model among the artifacts of a run.
MODEL_FOLDER = "model"
#: The manifest in the folder of a model.
MANIFEST = "manifest.json"


class SavedModelBroken(RollflowError):
    """What is in the folder of a model is not all that was saved."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What is known of a saved model."""

    #: Name of its class.
    cls: str
    #: Module of its class.
    module: str
    #: The arguments that it was made with.
    kwargs: Mapping[str, Any]
    #: Bytes of each of its files, by path below the folder.
    files: Mapping[str, int]
    #: Versions of Python and of the packages that made it.
    versions: Mapping[str, str]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The manifest of a folder.

        Raises:
            SavedModelBroken: when it is missing, or is not one.
        """
        try:
            document = json.loads((folder / MANIFEST).read_text("utf-8"))
            return cls(cls=document.pop("class"), **document)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise SavedModelBroken(f"{folder / MANIFEST} cannot be read: {error}; train the model again") from None

    def write(self, folder: Path) -> None:
        """Put it into the folder of its model."""
        document = asdict(self)
        document = {"class": document.pop("cls"), **document}
        (folder / MANIFEST).write_text(json.dumps(document, indent=2), "utf-8")


def save_model(model: Model, folder: Path, kwargs: Mapping[str, Any]) -> None:
    """Save a fitted model into a folder that does not exist yet.

    Args:
        model: The model.
        folder: Where to.
        kwargs: The arguments that the model was made with, plain values.

    Raises:
        ModelContractError: when the model writes nothing.
    """
    cls = type(model)
    folder.mkdir(parents=True)
    model.save(folder)
    files = _files(folder)
    if not any(files.values()):
        raise ModelContractError(f"{cls.__name__}.save wrote nothing into the folder that it was given")
    if MANIFEST in files:
        raise ModelContractError(f"{cls.__name__}.save wrote {MANIFEST}, which is not its own; take another name")
    manifest = Manifest(
        cls=cls.__qualname__,
        module=cls.__module__,
        kwargs=dict(kwargs),
        files=files,
        versions={"python": platform.python_version(), **_versions(("rollflow", *cls.packages))},
    )
    manifest.write(folder)


def load_model(folder: Path, trusted: Iterable[str] = ()) -> Model:
    """The fitted model of a folder, with its arguments.

    Args:
        folder: Where `save_model` has put it.
        trusted: Packages, besides rollflow's own, whose classes may be used.

    Raises:
        InputError: when its class is gone, not trusted, or not a model.
        SavedModelBroken: when files are missing or cut short.
    """
    manifest, packages = Manifest.read(folder), tuple(trusted)
    config = {"class": manifest.cls, "module_path": manifest.module}
    cls = find_class(config, Model, default_module="components.models", trusted=packages)
    found = _files(folder)
    for name, size in manifest.files.items():
        if found.get(name) != size:
            raise SavedModelBroken(
                f"{folder / name} has {found.get(name, 0)} bytes instead of {size}; train the model again"
            )
    with trusting(packages):
        return cls.load(folder, **manifest.kwargs)


def _files(folder: Path) -> dict[str, int]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}


def _versions(packages: Iterable[str]) -> dict[str, str]:
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue  # imported from a folder
    return found
