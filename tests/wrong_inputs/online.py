"""Configs and options of online serving."""

from __future__ import annotations

from typing import Any

from wrong_inputs.case import CONFIG, HANDLER, Case, changed, write_config

_ROUTINE = ("routine", "run.yaml")


def _online(path: str, value: Any, says: str) -> Case:
    """The config with a value in its section `online`."""
    prepare = write_config(changed(f"online.{path}", value))
    name = f"online.{path}: {value}"[:80]
    return Case(name=name, says=says, command="flows.online", arguments=_ROUTINE, prepare=prepare)


def _option(*arguments: str, says: str) -> Case:
    return Case(
        name=" ".join(arguments),
        says=says,
        command="flows.online",
        arguments=arguments,
        prepare=write_config(CONFIG),
    )


def _scaler(end: str | None) -> list[dict[str, Any]]:
    return [{"class": "ZScoreNorm", "kwargs": {"fit_start_time": "2015-02-02", "fit_end_time": end}}]


CASES = [
    _option("routin", "run.yaml", says="argument COMMAND: invalid choice: 'routin' (choose from 'first-train', "),
    _option("--json", "x", says="the following arguments are required: COMMAND"),
    _option("routine", "missing.yaml", says="config missing.yaml: does not exist"),
    _option("routine", "run.yaml", "--day", "2016-13-01", says="argument --day: 2016-13-01"),
    _option("routine", "run.yaml", "--day", "yesterday", says="argument --day: yesterday"),
    _option("first-train", "run.yaml", "--dya", "2016-05-02", says="unknown option --dya; did you mean '--day'?"),
    _option("simulate", "run.yaml", "--from", "May", says="argument --from: May"),
    _option("backfill", "run.yaml", "--to", "2016-02-30", says="argument --to: 2016-02-30"),
    _option("simulate", "run.yaml", "--workers", "0", says="argument --workers: 0 is not a positive number"),
    _option("status", "run.yaml", "--day", "2016-05-02", says="unknown option --day"),
    _option("promote", "missing.yaml", says="config missing.yaml: does not exist"),
    _option("verify", "run.yaml", "--from", "x", says="argument --from: x"),
    _option("routine", "run.yaml", "--data", "demo:?years=x", says="years"),
    _option("routine", "run.yaml", "--data", "parquet:nowhere", says="nowhere"),
    _online("strategies", {"a/b": {}}, says="strategy 'a/b': a name cannot hold '/'"),
    _online("strategies", ["a"], says="config run.yaml: online.strategies: Input should be a valid dictionary"),
    _online(
        "strategies.a.rolling.stp", 3, says="unknown key 'online.strategies.a.rolling.stp'; did you mean 'step'?"
    ),
    _online(
        "strategies.a.rolling.step", 0, says="online.strategies.a.rolling.step: Input should be greater than 0"
    ),
    _online("strategies.a.task", {"model": {}}, says="strategy a: task: the section 'dataset' is missing"),
    _online(
        "strategies.a.rolling.shared_bins", True, says="strategy a: rolling.shared_bins: windows that come one by"
    ),
    _online("ensemble", {"class": "Averag"}, says="online.ensemble"),
    _online("ensemble", {"class": "LinearModel", "module_path": "components.models"}, says="online.ensemble"),
    _online("promotion.rule", "best", says="online.promotion.rule: Input should be 'newest', 'never' or 'ic'"),
    _online(
        "promotion",
        {"rule": "ic", "least": 59},
        says="strategy LinearModel: promotion.least: 59 days with labels are more than a challenger can have",
    ),
    _online("promotion.dais", 3, says="unknown key 'online.promotion.dais'; did you mean 'days'?"),
    _online("gate.bars", {"warn": 0.1, "fail": 0.5}, says="online.gate.bars: warn must not be below fail"),
    _online("gate.on_revision", "ignore", says="online.gate.on_revision: Input should be 'go on', 'recompute'"),
    _online("drift.chance", 0, says="online.drift.chance: Input should be greater than 0"),
    _online("drift.psy", 0.3, says="unknown key 'online.drift.psy'; did you mean 'psi'?"),
    _online("portfolio.account", -1, says="online.portfolio.account: Input should be greater than 0"),
    _online("portfolio.strategy", {"class": "Topk"}, says="online.portfolio.strategy"),
    _online("portfolio.exchange_kwargs", {"open_cots": 0.1}, says="online.portfolio.exchange_kwargs"),
    _online("schedule.time_zone", "Asia/Shangai", says="online.schedule.time_zone: no time zone 'Asia/Shangai'"),
    _online("schedule.close", "25:00", says="online.schedule.close"),
    _online("schedule.when", "monthly", says="online.schedule.when: Input should be 'session'"),
    *(
        Case(
            name=f"a scaler fitted until {end}",
            says=f"strategy LinearModel: ZScoreNorm: with fit_end_time {end} it would be fitted on days to come",
            command="flows.online",
            arguments=_ROUTINE,
            prepare=write_config(changed(f"{HANDLER}.kwargs.infer_processors", _scaler(end))),
        )
        for end in (None, "2016-04-01", "2016-11-30")
    ),
]
