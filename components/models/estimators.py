"""Estimators of scikit-learn from their description, and what can be asked of them before they are fitted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from components.build import build, find_class, trusted_packages
from components.errors import InputError
from components.models.model import FitContext

#: scikit-learn's own classes are trusted: they do nothing when they are made.
_PACKAGE = "sklearn"


def build_estimator(config: Any) -> Any:
    """The regressor, classifier or pipeline that a description names, not fitted.

    Descriptions among its arguments, at any depth, become estimators, kernels or splitters in their turn.

    Args:
        config: ``{"class": ..., "module_path": ..., "kwargs": {...}}``, where the class is scikit-learn's, or
            derived from its ``BaseEstimator`` and in a trusted package.

    Raises:
        InputError: when it is anything else, or cannot score rows.
    """
    from sklearn.base import BaseEstimator, is_classifier, is_regressor

    if not isinstance(config, Mapping):
        raise InputError(
            "SklearnModel: estimator must be a description, such as "
            f"{{class: Ridge, module_path: sklearn.linear_model}}, not {config!r:.60}"
        )
    estimator = _built(config, BaseEstimator)
    _check_parameters(estimator)
    name = type(estimator).__name__
    if is_classifier(estimator):
        if not hasattr(estimator, "predict_proba") and not hasattr(estimator, "decision_function"):
            raise InputError(f"SklearnModel: {name} tells classes only; take one with predict_proba")
    elif not is_regressor(estimator):
        raise InputError(f"SklearnModel: {name} is neither a regressor nor a classifier, and gives no scores")
    return estimator


def fit_into(estimator: Any, context: FitContext) -> None:
    """Give an estimator what the context has: a ceiling on its jobs, and a seed where its arguments name none."""
    parameters = estimator.get_params(deep=True)
    changes = {}
    for name, value in parameters.items():
        own_name = name.rpartition("__")[2]
        if own_name == "random_state" and value is None and context.seed is not None:
            changes[name] = context.seed
        # None is one job for scikit-learn
        if own_name == "n_jobs" and value is not None and context.threads is not None:
            changes[name] = context.threads if value < 0 else min(value, context.threads)
    estimator.set_params(**changes)


def last_step(estimator: Any) -> Any:
    """What learns at the end of a pipeline; any other estimator itself."""
    steps = getattr(estimator, "steps", None)
    return last_step(steps[-1][1]) if steps else estimator


def takes_nan(estimator: Any) -> bool:
    """Whether an estimator learns from rows with NaN: of a pipeline, whether its first step does."""
    from sklearn.utils import get_tags

    first = next((step for _, step in getattr(estimator, "steps", ()) if step not in (None, "passthrough")), None)
    return takes_nan(first) if first is not None else bool(get_tags(estimator).input_tags.allow_nan)


def weights_argument(estimator: Any) -> str | None:
    """The argument of `fit` that takes the weights of rows; None: there is none."""
    from sklearn.utils.validation import has_fit_parameter

    if steps := getattr(estimator, "steps", None):
        name, last = steps[-1]
        inner = weights_argument(last)
        return inner and f"{name}__{inner}"
    return "sample_weight" if has_fit_parameter(estimator, "sample_weight") else None


def _built(config: Mapping[str, Any], kind: type) -> Any:
    kwargs = config.get("kwargs")
    if isinstance(kwargs, Mapping):
        config = {**config, "kwargs": {name: _made(value) for name, value in kwargs.items()}}
    return build(config, kind, default_module=_PACKAGE, trusted=_trusted(config))


def _trusted(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The packages whose classes a description may name."""
    path = str(config.get("module_path") or config.get("class"))
    own = (_PACKAGE,) if path.partition(".")[0] == _PACKAGE else ()  # else it would stand in advice on trust
    return (*trusted_packages(), *own)


def _made(value: Any) -> Any:
    """An argument, with objects for the descriptions in it."""
    if isinstance(value, Mapping):
        if not isinstance(value.get("class"), str):
            return {name: _made(inner) for name, inner in value.items()}
        cls = find_class(value, object, default_module=_PACKAGE, trusted=_trusted(value))
        if not hasattr(cls, "get_params") and not hasattr(cls, "split"):
            raise InputError(f"SklearnModel: {value['class']} is no estimator, kernel or splitter")
        return _built(value, cls)
    if isinstance(value, list | tuple):
        made = [_made(inner) for inner in value]
        # steps of pipelines are pairs of a name and an estimator, which a config can only write as lists
        pair = made and isinstance(made[0], str) and any(hasattr(inner, "get_params") for inner in made)
        return tuple(made) if pair else made
    return value


def _check_parameters(estimator: Any) -> None:
    """Let scikit-learn look at the parameters of an estimator and of those inside it."""
    for part in (estimator, *_parts(estimator)):
        # private, but the only way to ask without data; without it the training finds them
        for check in ("_validate_params", "_validate_steps", "_validate_estimators"):
            if not hasattr(part, "_parameter_constraints"):
                continue  # one of a user's own
            try:
                getattr(part, check, lambda: None)()
            except (ValueError, TypeError) as error:
                raise InputError(f"SklearnModel: {str(error).splitlines()[0]}") from None


def _parts(estimator: Any) -> Iterator[Any]:
    """The estimators inside another one."""
    from sklearn.base import BaseEstimator

    for value in estimator.get_params(deep=True).values():
        if isinstance(value, BaseEstimator):
            yield value
