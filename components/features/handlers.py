"""Handlers under Qlib's names and with its arguments, for configs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from components.build import build, find_class, read_kwargs
from components.data.calendar import to_day
from components.errors import InputError
from components.features.alpha import LABEL, alpha158_fields, alpha360_fields
from components.features.handler import APPEND, DataHandler
from components.features.loader import QlibDataLoader, read_columns, refuse_unsupported
from components.features.processors import ColumnFilter, Processor, RowFilter, Scaler, Transform

_PROCESSORS = "components.features.processors"
#: What a processor can be: another subclass would be passed over.
_KINDS = (Transform, RowFilter, ColumnFilter, Scaler)

VWAP_LABEL = {name: text.replace("$close", "$vwap") for name, text in LABEL.items()}

LEARN_PROCESSORS = ({"class": "DropnaLabel"}, {"class": "CSZScoreNorm", "kwargs": {"fields_group": "label"}})
ALPHA360_INFER_PROCESSORS = ({"class": "ProcessInf"}, {"class": "ZScoreNorm"}, {"class": "Fillna"})


class DataHandlerLP(DataHandler):
    """A handler whose columns a `data_loader` lists: Qlib's ``{class: QlibDataLoader, kwargs: {config: ...}}``.

    `shared_processors` run first of all, both for prediction and for learning. `drop_raw` changes nothing:
    raw values are never kept.
    """

    def __init__(
        self,
        instruments: Any = None,
        start_time: Any = None,
        end_time: Any = None,
        data_loader: Any = None,
        infer_processors: Any = (),
        learn_processors: Any = (),
        shared_processors: Any = (),
        process_type: str = APPEND,
        drop_raw: bool = False,  # noqa: ARG002
    ) -> None:
        if data_loader is None:
            raise InputError(
                "data_loader is missing; it lists features and labels: {class: QlibDataLoader, kwargs: ...}"
            )
        loader = build(data_loader, QlibDataLoader, default_module="components.features")
        shared = read_processors(shared_processors, name="shared_processors")
        learn = read_processors(learn_processors, name="learn_processors")
        super().__init__(
            instruments=read_instruments("all" if instruments is None else instruments),
            start_time=_read_day(start_time),
            end_time=_read_day(end_time),
            features=loader.columns("feature"),
            labels=loader.columns("label"),
            infer_processors=shared + read_processors(infer_processors, name="infer_processors"),
            learn_processors=learn if process_type == APPEND else shared + learn,
            process_type=process_type,
        )


class AlphaHandler(DataHandler):
    """Fixed features; the days to fit processors on are given once, for all of them.

    Arguments that are None have the defaults of the class.
    """

    #: Makes the features: name -> expression.
    make_features: Callable[[], Mapping[str, str]]
    default_label: Mapping[str, str] = LABEL
    default_infer_processors: Any = ()

    def __init__(
        self,
        instruments: Any = "csi500",
        start_time: Any = None,
        end_time: Any = None,
        freq: str = "day",
        infer_processors: Any = None,
        learn_processors: Any = LEARN_PROCESSORS,
        fit_start_time: Any = None,
        fit_end_time: Any = None,
        process_type: str = APPEND,
        filter_pipe: Any = None,
        inst_processors: Any = None,
        label: Any = None,
        drop_raw: bool = False,  # noqa: ARG002 - raw values are never kept
    ) -> None:
        name = type(self).__name__
        refuse_unsupported(name, freq=freq, filter_pipe=filter_pipe, inst_processors=inst_processors)
        fit = {"fit_start_time": _read_day(fit_start_time), "fit_end_time": _read_day(fit_end_time)}
        infer = self.default_infer_processors if infer_processors is None else infer_processors
        super().__init__(
            instruments=read_instruments(instruments),
            start_time=_read_day(start_time),
            end_time=_read_day(end_time),
            features=type(self).make_features(),
            labels=self.default_label if label is None else read_columns(label, "label"),
            infer_processors=read_processors(infer, fit, name="infer_processors"),
            learn_processors=read_processors(learn_processors, fit, name="learn_processors"),
            process_type=process_type,
        )


class Alpha158(AlphaHandler):
    """Qlib's 158 features of price and volume."""

    make_features = alpha158_fields


class Alpha360(AlphaHandler):
    """The prices and volumes of the last 60 days, over those of the day."""

    make_features = alpha360_fields
    default_infer_processors = ALPHA360_INFER_PROCESSORS


class Alpha158vwap(Alpha158):
    """Alpha158 with the return of average prices as label."""

    default_label = VWAP_LABEL


class Alpha360vwap(Alpha360):
    """Alpha360 with the return of average prices as label."""

    default_label = VWAP_LABEL


def read_instruments(value: Any) -> str | tuple[str, ...]:
    """A universe's name, or a list of instruments; Qlib's ``{market: NAME, filter_pipe: []}`` is a name too.

    Raises:
        InputError: for anything else.

    """
    if isinstance(value, Mapping) and isinstance(value.get("market"), str):
        refuse_unsupported("instruments", freq="day", filter_pipe=value.get("filter_pipe"), inst_processors=None)
        return str(value["market"])
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence) and value and all(isinstance(code, str) for code in value):
        return tuple(value)
    raise InputError(f"instruments: expected the name of a universe or a list of codes, not {value!r:.80}")


def read_processors(
    descriptions: Any, fit: Mapping[str, str | None] | None = None, *, name: str = "processors"
) -> tuple[Processor, ...]:
    """Processors from their descriptions; those that are fitted get the handler's days, if it has them.

    Raises:
        InputError: for an unknown class or wrong arguments, or when the days to fit on are missing.

    """
    if not isinstance(descriptions or (), list | tuple):
        raise InputError(f"{name}: expected a list of processors, not {descriptions!r:.80}")
    return tuple(_read_processor(description, fit) for description in descriptions or ())


def _read_processor(description: Any, fit: Mapping[str, str | None] | None) -> Processor:
    if isinstance(description, Processor):
        return description
    config: Mapping[str, Any] = {"class": description} if isinstance(description, str) else description
    cls = find_class(config, Processor, default_module=_PROCESSORS)
    kwargs = {name: _frozen(value) for name, value in read_kwargs(config).items()}
    if fit is not None and fit.keys() <= inspect.signature(cls).parameters.keys():
        if None in fit.values():
            raise InputError(f"{config['class']}: give the handler fit_start_time and fit_end_time to fit it on")
        kwargs |= fit
    processor = build({**config, "kwargs": kwargs}, Processor, default_module=_PROCESSORS)
    if not isinstance(processor, _KINDS):
        kinds = ", ".join(kind.__name__ for kind in _KINDS)
        raise InputError(f"{config['class']} does nothing that is known; derive it from one of {kinds}")
    return processor


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _read_day(value: Any) -> str | None:
    return None if value is None else str(to_day(value))
