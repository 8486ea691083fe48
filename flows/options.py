"""The options of a flow, each told once: one typed model is command line, Prefect form and signature."""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from textwrap import indent
from types import NoneType
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, GetJsonSchemaHandler, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from components.cli import LineParser
from components.errors import InputError

R = TypeVar("R")


@dataclass(frozen=True)
class Argument:
    """How a field is written on a command line, where that is not ``--name VALUE``."""

    metavar: str | None = None
    #: Instead of the field's own name.
    flag: str | None = None
    positional: bool = False


class Options(BaseModel):
    """Base of the options of a flow or a command; None says nothing, and then the config or a default counts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    #: Fields that come first in forms and help, wherever they were declared.
    leading: ClassVar[tuple[str, ...]] = ()
    #: What `--help` says below the options.
    epilog: ClassVar[str] = "exit status: 0 done, 1 failed, 2 wrong input"

    @classmethod
    def parse(cls, prog: str, arguments: Sequence[str] | None = None) -> Self:
        """The options of a command line; None: that of this process. The model's docstring is the description.

        Raises:
            InputError: for a wrong option.
        """
        parser = LineParser(prog=prog, description=" ".join((cls.__doc__ or "").split()), epilog=cls.epilog)
        for name, field in cls.fields():
            _add_argument(parser, name, field)
        return cls.model_validate(vars(parser.parse_args(arguments)))

    @classmethod
    def fields(cls) -> list[tuple[str, FieldInfo]]:
        """The fields by name, in the order in which people meet them."""
        leading = {name: cls.model_fields[name] for name in cls.leading if name in cls.model_fields}
        return list((leading | cls.model_fields).items())

    def given(self, only: type[Options] | None = None) -> dict[str, Any]:
        """The options that say something, by name; with `only`, those among them that this model has, too."""
        names = set((only or type(self)).model_fields)
        return self.model_dump(include=names, exclude_none=True, exclude_defaults=True)


O = TypeVar("O", bound=Options)  # noqa: E741


def takes(options: type[O]) -> Callable[[Callable[[O], R]], Callable[..., R]]:
    """Let a function of a model be called with the model's fields as parameters, and look like one that has them.

    Prefect makes its form from the signature and from the section of the docstring that describes the parameters.
    """

    def decorate(function: Callable[[O], R]) -> Callable[..., R]:
        signature = inspect.Signature([_parameter(name, field) for name, field in options.fields()])

        @wraps(function)
        def outer(*args: Any, **kwargs: Any) -> R:
            given = signature.bind(*args, **kwargs).arguments
            try:
                chosen = options(**given)
            except ValidationError as error:
                name = str(error.errors()[0]["loc"][0])
                raise InputError(f"{name}: {_problem(error, str(given[name]))}") from None
            return function(chosen)

        del outer.__wrapped__  # its one parameter is not what callers give
        outer.__annotations__ = {}
        outer.__signature__ = signature  # type: ignore[attr-defined]
        lines = [f"{name}: {field.description}" for name, field in options.fields()]
        outer.__doc__ = f"{inspect.getdoc(function)}\n\nArgs:\n{indent(chr(10).join(lines), '    ')}\n"
        return outer

    return decorate


class _FormField:
    """Lets a form of Prefect show a plain field, empty at first, rather than a choice between a value and None.

    To that end its JSON schema has neither the type null nor a default of null: Prefect fills a form with defaults,
    and refuses null where there is one. Pydantic adds every default, after it has asked for the schema.
    """

    def __init__(self, value: Any, default: object) -> None:
        schema = TypeAdapter(value).json_schema()
        self._schema = _WithoutDefault(schema) if default is None else schema

    def __get_pydantic_json_schema__(self, _core: CoreSchema, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return self._schema


class _WithoutDefault(dict[str, Any]):
    def __setitem__(self, key: str, value: Any) -> None:
        if key != "default":
            super().__setitem__(key, value)


def _parameter(name: str, field: FieldInfo) -> inspect.Parameter:
    form_field = _FormField(_value_type(field), field.default)
    parts = (field.annotation, *field.metadata, BeforeValidator(_empty_as_none), form_field)
    return inspect.Parameter(
        name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=field.default, annotation=Annotated[parts]
    )


def _empty_as_none(value: object) -> object:
    """What a field of a form that was emptied says."""
    return None if value == "" else value


def _value_type(field: FieldInfo) -> Any:
    """The type of a value that is given, with its limits."""
    if NoneType not in get_args(field.annotation):
        return Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
    (given,) = (each for each in get_args(field.annotation) if each is not NoneType)
    return given


def _add_argument(parser: argparse.ArgumentParser, name: str, field: FieldInfo) -> None:
    written = next((each for each in field.metadata if isinstance(each, Argument)), Argument())
    value = _value_type(field)
    kwargs: dict[str, Any] = {"default": field.default, "help": (field.description or "").replace("%", "%%")}
    if field.annotation is bool:
        kwargs["action"] = "store_true"
    elif get_origin(value) is Literal:
        kwargs["choices"] = get_args(value)
    else:
        kwargs |= {"type": _reader(value), "metavar": written.metavar or name.upper()}
    if written.positional:
        parser.add_argument(name, nargs="?", **kwargs | {"metavar": written.metavar or name})
    else:
        parser.add_argument(f"--{written.flag or name}", dest=name, **kwargs)


def _reader(value: Any) -> Callable[[str], Any]:
    adapter = TypeAdapter(value)

    def read(text: str) -> Any:
        try:
            return adapter.validate_python(text)
        except ValidationError as error:
            raise argparse.ArgumentTypeError(_problem(error, text)) from None

    return read


def _problem(error: ValidationError, text: str) -> str:
    """The first thing that is wrong with a value, in a few words."""
    problem = error.errors()[0]
    kinds = {
        "int_parsing": "is not a whole number",
        "int_from_float": "is not a whole number",
        "float_parsing": "is not a number",
        "finite_number": "is not a finite number",
        "greater_than": "is not a positive number",
        "greater_than_equal": "is below zero",
        "less_than": "is too large",
        "int_parsing_size": "is too large",
        "string_too_short": "is empty",
    }
    if problem["type"] == "value_error":
        return str(problem["ctx"]["error"])
    return f"{text[:40] or 'the value'} {kinds.get(problem['type'], problem['msg'])}"
