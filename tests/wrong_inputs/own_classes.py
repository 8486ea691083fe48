"""Classes of a user's own package, which is trusted or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wrong_inputs.case import CONFIG, HANDLER, Case, changed, write_config

_PACKAGE = """
from components.features import DataHandlerLP
from components.features.processors import Processor, Transform
from components.models import LinearModel, Model
from components.records import Record
from os import system

class Bare:
    pass

class Unfinished(Model):
    pass

class Fussy(LinearModel):
    def __init__(self, colour):
        raise {raises}

class Positional(LinearModel):
    def __init__(self, colour, /):
        pass

class Typo(DataHandlerLP):
    def __init__(self, **kwargs):
        super().__init__(**kwargs, labels=[])

class Failing(Transform):
    def __init__(self):
        raise RuntimeError("no such factor")
    def transform(self, values, starts, columns):
        pass

class Silent(Record):
    pass

class NotOne(Processor, int):
    pass

value = 5
def function(): return LinearModel()
"""


def _own(name: str, path: str, description: Any, says: str, trusted: str = "mypkg", text: str = "") -> Case:
    def prepare(folder: Path) -> None:
        (folder / "mypkg.py").write_text(text or _PACKAGE.replace("{raises}", "ValueError('two\\nlines')"))
        write_config(changed(path, description))(folder)

    return Case(name=name, says=says, environ={"ROLLFLOW_TRUSTED_MODULES": trusted}, prepare=prepare)


def _model(name: str, says: str, text: str = "", cls: str = "mypkg.Fussy", **kwargs: Any) -> Case:
    return _own(name, "task.model", {"class": cls, "kwargs": kwargs}, says, text=text)


_LEARN = f"{HANDLER}.kwargs.learn_processors"
_RECORD = "task.record"
_SIGNAL = CONFIG["task"]["record"][0]

CASES = [
    _own(
        "model not trusted",
        "task.model",
        {"class": "mypkg.Fussy"},
        "set ROLLFLOW_TRUSTED_MODULES=mypkg",
        trusted="",
    ),
    _own("handler not trusted", HANDLER, {"class": "mypkg.Typo"}, "set ROLLFLOW_TRUSTED_MODULES=mypkg", trusted=""),
    _own(
        "processor not trusted",
        _LEARN,
        [{"class": "mypkg.Failing"}],
        "set ROLLFLOW_TRUSTED_MODULES=mypkg",
        trusted="",
    ),
    _own(
        "record not trusted",
        _RECORD,
        [_SIGNAL, {"class": "mypkg.Silent"}],
        "ROLLFLOW_TRUSTED_MODULES=mypkg",
        trusted="",
    ),
    _own(
        "another one trusted",
        "task.model",
        {"class": "mypkg.Fussy"},
        "set ROLLFLOW_TRUSTED_MODULES=other,mypkg",
        trusted="other",
    ),
    _own(
        "a part of its name trusted",
        "task.model",
        {"class": "mypkg.Fussy"},
        "not from a trusted module",
        trusted="my",
    ),
    _model("missing class", "no class 'Fuzzy' in mypkg; did you mean 'Fussy'?", cls="mypkg.Fuzzy"),
    _model("missing module", "module 'mypkg.models' of class 'M' cannot be imported", cls="mypkg.models.M"),
    _model(
        "not a model",
        "mypkg.Bare is not a Model: it must be a subclass of components.models.Model",
        cls="mypkg.Bare",
    ),
    _model("a function", "no class 'function' in mypkg", cls="mypkg.function"),
    _model("a number", "no class 'value' in mypkg", cls="mypkg.value"),
    _model("another function that it imports", "no class 'system' in mypkg", cls="mypkg.system"),
    _model("an unfinished model", "mypkg.Unfinished is abstract", cls="mypkg.Unfinished"),
    _model("missing argument", "mypkg.Fussy: missing a required argument: 'colour'"),
    _model("unknown argument", "did you mean 'colour'?", color=1),
    _model("constructor fails", "mypkg.Fussy cannot be made from its kwargs: ValueError: two", colour=1),
    _model("positional argument", "mypkg.Positional", cls="mypkg.Positional", colour=1),
    _model(
        "constructor exits",
        "mypkg.Fussy cannot be made from its kwargs: SystemExit: 3",
        colour=1,
        text=_PACKAGE.replace("{raises}", "SystemExit(3)"),
    ),
    _model(
        "constructor recurses",
        "mypkg.Fussy cannot be made from its kwargs: RecursionError",
        colour=1,
        text=_PACKAGE.replace("raise {raises}", "self.__init__(colour)"),
    ),
    _model("syntax error", "module 'mypkg' of class 'Fussy' cannot be imported: SyntaxError", text="def\n"),
    _model("import error", "cannot import name 'nothing' from 'os'", text="from os import nothing\n"),
    _model("missing library", "No module named 'nowhere_at_all'", text="import nowhere_at_all\n"),
    _model("fails on import", "cannot be imported: ZeroDivisionError: division by zero", text="1/0\n"),
    _model("exits on import", "cannot be imported: SystemExit: 3", text="raise SystemExit(3)\n"),
    _model("empty module", "no class 'Fussy' in mypkg", text="\n"),
    _model("zero bytes", "cannot be imported", text="\0"),
    _own(
        "wrong arguments of a base class",
        HANDLER,
        {"class": "mypkg.Typo"},
        "mypkg.Typo cannot be made from its kwargs: TypeError",
    ),
    _own(
        "processor fails",
        _LEARN,
        [{"class": "mypkg.Failing"}],
        "mypkg.Failing cannot be made from its kwargs: RuntimeError: no such factor",
    ),
    _own("processor is a model", _LEARN, [{"class": "mypkg.LinearModel"}], "mypkg.LinearModel is not a Processor"),
    _own("processor of no known kind", _LEARN, ["mypkg.Processor"], "Processor"),
    _own("model is a processor", "task.model", {"class": "mypkg.Failing"}, "mypkg.Failing is not a Model"),
    _own("handler is a record", HANDLER, {"class": "mypkg.Silent"}, "mypkg.Silent is not a DataHandler"),
    _own("record is unfinished", _RECORD, [_SIGNAL, {"class": "mypkg.Silent"}], "mypkg.Silent is abstract"),
    _own("record is a handler", _RECORD, [_SIGNAL, {"class": "mypkg.Typo"}], "mypkg.Typo is not a Record"),
]
