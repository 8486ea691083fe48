"""The data gate stops a day whose data is wrong, says why in one line, and lets ordinary days pass."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from small_market import SmallMarket

from components.config.online.gate import GateSection
from components.data import Market, TradingCalendar, open_market, until
from components.errors import InputError
from components.serving.gate import GateReport, inspect_day
from components.serving.gate.bar_checks import Check
from components.serving.gate.revision import Revision
from components.serving.gate.seen import SeenBars

PRICES = ("close", "high", "low", "open")
FIELDS = ("close", "factor", "high", "low", "open", "volume")
#: 60 weekdays from Thursday, 2020-01-02 on; the last is Wednesday, 2020-03-25, the one before 2020-03-24.
DAYS = pd.bdate_range("2020-01-02", periods=60)
LAST, BEFORE = "2020-03-25", "2020-03-24"
#: S00 to S39, and the benchmark.
CODES = tuple(f"S{number:02d}" for number in range(40))
BENCHMARK = "INDEX"

Write = Callable[..., Market]


def table() -> pd.DataFrame:
    """Bars of 40 instruments and an index on 60 days, all complete; indexed by instrument and day."""
    rng = np.random.default_rng(5)
    index = pd.MultiIndex.from_product([[*CODES, BENCHMARK], DAYS], names=["instrument", "date"])
    shape = (len(CODES) + 1, len(DAYS))
    close = 20 * np.exp(rng.normal(0, 0.02, shape).cumsum(axis=1))
    bars = pd.DataFrame({"close": close.ravel()}, index=index)
    bars["open"] = (close * np.exp(rng.normal(0, 0.01, shape))).ravel()
    bars["high"] = bars[["open", "close"]].max(axis=1) * 1.01
    bars["low"] = bars[["open", "close"]].min(axis=1) * 0.99
    bars["volume"] = np.round(1e6 * np.exp(rng.normal(0, 0.5, shape))).ravel()
    bars["factor"] = 1.0
    return bars


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes bars to a Parquet table with the universes that are given, and opens it as a market."""

    def to_market(bars: pd.DataFrame, universes: dict[str, list[str]] | None = None) -> Market:
        folder = tmp_path / f"market{len(list(tmp_path.iterdir()))}"
        (folder / "instruments").mkdir(parents=True)
        stocks = [f"{code}\t2020-01-02\t2020-12-31" for code in CODES]
        for name, lines in {"stocks": stocks, **(universes or {})}.items():
            (folder / "instruments" / f"{name}.txt").write_text("\n".join(lines))
        bars.reset_index().to_parquet(folder / "bars.parquet", index=False)
        return open_market(f"parquet:{folder}")

    return to_market


def at(codes: str | list[str], day: str | list[str]) -> tuple[object, object]:
    """A place in the bars, for `loc`."""
    return codes if isinstance(codes, list) else [codes], pd.to_datetime([day] if isinstance(day, str) else day)


def without(bars: pd.DataFrame, place: tuple[object, object]) -> pd.DataFrame:
    """Bars less the rows at a place."""
    return bars.drop(bars.loc[(*place,), :].index)


def look(
    market: Market, day: str = LAST, known: SeenBars | None = None, universe: object = "stocks", **options: object
) -> GateReport:
    limits = GateSection.model_validate(options.pop("limits", {}))
    fields = options.pop("fields", FIELDS)
    return inspect_day(market, day, [universe], fields, limits, known, **options)  # type: ignore[arg-type, list-item]


def seen(market: Market, day: str = BEFORE, **options: object) -> SeenBars:
    found = look(market, day, **options).seen  # type: ignore[arg-type]
    assert found is not None
    return SeenBars.from_document(json.loads(json.dumps(found.to_document())))


def check(report: GateReport, name: str) -> Check:
    (found,) = [each for each in report.checks if each.name == name]
    return found


def colour(report: GateReport) -> str:
    assert not (report.red and report.yellow)
    return report.summary.split()[1]


# --- Ordinary days ------------------------------------------------------------------------------------------------


def test_an_ordinary_day_is_green(write: Write) -> None:
    market = write(table())
    report = look(market, known=seen(market), benchmark=BENCHMARK)
    assert [each.name for each in report.checks] == [
        "day",
        "calendar",
        "bars stocks",
        "missing values",
        "zero volume",
        "jumps",
        "constant columns",
        "benchmark",
        "revision",
    ]
    assert (report.red, report.yellow, report.revision) == (False, False, None)
    assert report.summary == "gate green on 2020-03-25: 9 checks passed"
    assert check(report, "bars stocks") == Check(
        name="bars stocks",
        level="ok",
        message="40 of 40 instruments of stocks have a bar, the median of the days before is 40",
        value=1.0,
        limit=0.7,
    )


def test_the_first_day_of_a_calendar_is_green(write: Write) -> None:
    market = write(table())
    report = look(market, "2020-01-02", benchmark=BENCHMARK)
    assert report.summary == "gate green on 2020-01-02: 9 checks passed"
    assert report.seen is not None
    assert np.datetime_as_string(report.seen.days).tolist() == ["2020-01-02"]
    assert look(market, "2020-01-03", known=report.seen).summary == "gate green on 2020-01-03: 8 checks passed"


def test_what_comes_after_the_day_is_not_seen(write: Write) -> None:
    market = write(table())
    later = table()
    later.loc[(slice(None), pd.Timestamp(LAST)), list(FIELDS)] = np.nan
    one, other, cut = (look(each, BEFORE) for each in (market, write(later), until(market, BEFORE)))
    assert one.to_document() == other.to_document() == cut.to_document()
    assert one.seen is not None
    assert other.seen is not None
    assert one.seen.to_document() == other.seen.to_document()


@pytest.mark.parametrize("days", [1, 5, 30])
def test_suspended_instruments_are_no_alarm(write: Write, days: int) -> None:
    bars = table()
    suspended = at(["S03", "S07"], [str(day.date()) for day in DAYS[-days:]])
    no_rows = without(bars, suspended)
    filled_in = bars.copy()
    filled_in.loc[suspended, "volume"] = 0
    for code in ("S03", "S07"):  # the last close goes on
        filled_in.loc[at(code, [str(day.date()) for day in DAYS[-days:]]), list(PRICES)] = 19.5
    empty = bars.copy()
    empty.loc[suspended, [*PRICES, "volume"]] = np.nan
    for each in (no_rows, filled_in, empty):
        market = write(each)
        assert look(market, known=seen(market)).summary == "gate green on 2020-03-25: 8 checks passed"


def test_a_universe_of_one_may_be_suspended_for_a_day(write: Write) -> None:
    bars = table()
    assert colour(look(write(bars), universe=["S05"])) == "green"
    bars.loc[at("S05", LAST), "volume"] = 0
    bars.loc[at("S05", LAST), list(PRICES)] = bars.loc[("S05", pd.Timestamp(BEFORE)), "close"]
    assert colour(look(write(bars), universe=["S05"])) == "green"
    report = look(write(without(bars, at("S05", LAST))), universe=["S05"])
    assert report.red  # there is nothing to predict
    assert check(report, "bars S05").message == (
        "0 of 1 instruments of S05 have a bar, the median of the days before is 1; that is 0.0%, less than 70%: "
        "load the rest of the day, then run again"
    )


def test_new_members_and_new_listings_are_no_alarm_and_no_revision(write: Write) -> None:
    universe = [f"{code}\t2020-01-02\t2020-03-24" for code in CODES[:20]]
    universe += [f"{code}\t2020-03-25\t2020-12-31" for code in CODES[10:30]]
    bars = table()
    listed = without(bars, at("S29", [str(day.date()) for day in DAYS[:-1]]))
    market = write(listed, {"index": universe})
    report = look(market, known=seen(market, universe="index"), universe="index")
    assert report.summary == "gate green on 2020-03-25: 8 checks passed"
    assert report.seen is not None
    assert report.seen.instruments == CODES[:30]


def test_a_delisted_instrument_is_no_alarm(write: Write) -> None:
    bars = table()
    gone = [str(day.date()) for day in DAYS[30:]]
    market = write(without(bars, at("S11", gone)))
    for place in (29, 30, 31, 49, 50, 51, 59):
        report = look(market, str(DAYS[place].date()))
        assert colour(report) == "green"
    assert check(report, "bars stocks").message.startswith("39 of 39 instruments of stocks have a bar")


def test_a_listed_universe_is_looked_at_as_one_of_a_name(write: Write) -> None:
    market = write(table())
    named, listed = look(market), look(market, universe=list(CODES))
    assert check(listed, "bars S00 to S39").value == check(named, "bars stocks").value == 1.0
    with pytest.raises(InputError, match="no instrument 'S99'"):
        look(market, universe=["S99"])
    with pytest.raises(InputError, match="no universe 'stock'"):
        look(market, universe="stock")


def test_each_of_several_universes_is_looked_at(write: Write) -> None:
    bars = table()
    market = write(without(bars, at(list(CODES[:4]), LAST)))
    report = inspect_day(market, LAST, ["stocks", CODES[:6]], FIELDS, GateSection())
    assert check(report, "bars stocks").level == "ok"
    assert check(report, "bars S00 to S05").level == "fail"


# --- The day and the calendar -------------------------------------------------------------------------------------


def test_a_day_that_is_not_there_yet_is_red(write: Write) -> None:
    report = look(write(table()), "2020-03-26")
    assert report.summary == (
        "gate red on 2020-03-26: day: the data ends on 2020-03-25, 1 day before 2020-03-26; "
        "load what is missing, then run again"
    )
    assert report.seen is None


def test_staleness_is_counted_in_sessions_where_they_are_known(write: Write) -> None:
    sessions = TradingCalendar(
        DAYS.union(pd.bdate_range("2020-03-26", "2020-04-10")).values.astype("datetime64[D]")
    )
    report = look(write(table()), "2020-03-30", sessions=sessions)
    assert check(report, "day").message == (
        "the data ends on 2020-03-25, 3 sessions before 2020-03-30; load what is missing, then run again"
    )
    assert check(report, "day").value == 3


def test_a_day_that_is_left_out_is_red(write: Write) -> None:
    report = look(write(table().drop(pd.Timestamp(BEFORE), level="date")), BEFORE)
    assert report.summary == (
        "gate red on 2020-03-24: day: 2020-03-24 is no trading day of the data: after 2020-03-23 comes 2020-03-25; "
        "load the day, or serve another one"
    )


def test_a_session_that_is_missing_is_red(write: Write) -> None:
    market = write(table())
    lost = write(table().drop(pd.to_datetime(["2020-02-05", "2020-02-06"]), level="date"))
    expected = "2020-02-05 and 1 more are"
    report = look(lost, sessions=market.calendar)
    assert report.summary == (
        f"gate red on 2020-03-25: calendar: {expected} not in the data, but the exchange was open; "
        "load what is missing"
    )
    report = look(lost, known=seen(market))
    assert check(report, "calendar").message == (
        f"{expected} no longer in the calendar, but there before; load the data again"
    )
    assert report.red


def test_a_day_on_which_the_exchange_was_closed_is_yellow(write: Write) -> None:
    sessions = TradingCalendar(DAYS.drop("2020-02-05").values.astype("datetime64[D]"))
    report = look(write(table()), sessions=sessions)
    assert report.summary == (
        "gate yellow on 2020-03-25: calendar: 2020-02-05 is in the data, but the exchange was closed; "
        "look where the bars come from"
    )


def test_the_first_weekend_with_trading_is_red(write: Write) -> None:
    bars = table()
    saturday = bars.loc[(slice(None), pd.Timestamp(LAST)), :].rename(
        {pd.Timestamp(LAST): pd.Timestamp("2020-03-28")}
    )
    market = write(pd.concat([bars, saturday * [1.01, 1.01, 1.01, 1.01, 1.1, 1]]))
    assert check(look(market, "2020-03-28"), "calendar").level == "fail"
    assert colour(look(market, "2020-03-28", limits={"weekends": True})) == "green"
    assert colour(look(market, "2020-03-28", sessions=market.calendar)) == "green"


def test_a_gap_longer_than_holidays_is_yellow(write: Write) -> None:
    market = write(table().drop(DAYS[-11:-1], level="date"))
    assert look(market).summary == (
        "gate yellow on 2020-03-25: calendar: 15 days from 2020-03-10 to 2020-03-25, more than 12; "
        "look for missing days"
    )
    assert colour(look(market, sessions=market.calendar)) == "green"


def test_a_calendar_that_does_not_rise_is_red() -> None:
    market = SmallMarket({"A": (0, {"close": [1.0, 2.0, 3.0, 4.0]})})
    market.calendar = TradingCalendar(np.array(["2020-01-02", "2020-01-06", "2020-01-03", "2020-01-07"], "M8[D]"))
    report = look(market, "2020-01-07", universe="all", fields=("close",))
    assert report.summary == (
        "gate red on 2020-01-07: calendar: 2020-01-03 follows 2020-01-06; sort the trading days, each once"
    )


# --- Bars and values ----------------------------------------------------------------------------------------------


def test_half_a_day_is_red(write: Write) -> None:
    bars = table()
    report = look(write(without(bars, at(list(CODES[:20]), LAST))))
    assert report.summary == (
        "gate red on 2020-03-25: bars stocks: 20 of 40 instruments of stocks have a bar, the median of the days "
        "before is 40; that is 50.0%, less than 70%: load the rest of the day, then run again"
    )


def test_half_a_day_is_red_also_where_the_universe_ends_with_the_bars(write: Write) -> None:
    bars = table()
    ends = [f"{code}\t2020-01-02\t{BEFORE if code < 'S20' else LAST}" for code in CODES]
    report = look(write(without(bars, at(list(CODES[:20]), LAST)), {"dumped": ends}), universe="dumped")
    assert check(report, "bars dumped").level == "fail"
    assert check(report, "bars dumped").value == 0.5


def test_some_missing_bars_are_yellow(write: Write) -> None:
    bars = table()
    report = look(write(without(bars, at(list(CODES[:5]), LAST))))
    assert (colour(report), check(report, "bars stocks").value) == ("yellow", 0.875)
    assert colour(look(write(bars), limits={"bars": {"warn": 1.0, "fail": 0.95}})) == "green"


def test_a_day_in_the_calendar_without_any_bar_is_red(write: Write) -> None:
    bars = table()
    report = look(write(without(bars, at(list(CODES), LAST))))  # the index has one
    assert check(report, "bars stocks").value == 0.0
    assert report.red


def test_a_universe_without_members_on_the_day_is_red(write: Write) -> None:
    outdated = [f"{code}\t2020-01-02\t2020-03-20" for code in CODES]
    report = look(write(table(), {"outdated": outdated}), universe="outdated")
    assert check(report, "bars outdated").message == (
        "outdated has no member with data on 2020-03-25; update the list of its members"
    )
    assert report.red


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_without_a_value_is_red(write: Write, field: str) -> None:
    bars = table()
    bars.loc[(slice(None), pd.Timestamp(LAST)), field] = np.nan
    report = look(write(bars))
    assert check(report, "missing values").message == (
        f"{field} has no value of any instrument; load the field, then run again"
    )
    assert report.red
    assert not look(write(bars), fields=[each for each in FIELDS if each != field]).red


def test_a_field_that_the_market_lacks_is_red(write: Write) -> None:
    report = look(write(table()), fields=("close", "vwap"))
    assert check(report, "missing values").message == ("the data has no field vwap; load it, or use other features")
    assert report.red


@pytest.mark.parametrize(("count", "expected"), [(1, "green"), (2, "green"), (3, "yellow"), (13, "red")])
def test_values_missing_of_some_instruments(write: Write, count: int, expected: str) -> None:
    bars = table()
    bars.loc[at(list(CODES[:count]), LAST), "open"] = np.nan
    report = look(write(bars))
    assert colour(report) == expected
    if count == 13:
        assert check(report, "missing values") == Check(
            name="missing values",
            level="fail",
            message="13 of 40 instruments lack a value of open: load it again; 32.5% is more than 30%",
            value=0.325,
            limit=0.3,
        )


def test_values_that_are_missing_every_day_are_no_alarm(write: Write) -> None:
    bars = table()
    bars.loc[pd.IndexSlice[list(CODES[:20]), :], "open"] = np.nan
    assert colour(look(write(bars))) == "green"


@pytest.mark.parametrize(("count", "expected"), [(8, "green"), (9, "yellow"), (17, "red"), (40, "red")])
def test_zero_volumes(write: Write, count: int, expected: str) -> None:
    bars = table()
    bars.loc[at(list(CODES[:count]), LAST), "volume"] = 0
    report = look(write(bars))
    assert colour(report) == expected
    assert check(report, "zero volume").value == count / 40


def test_a_feed_that_repeats_the_day_before_is_red(write: Write) -> None:
    bars = table()
    bars.loc[(slice(None), pd.Timestamp(LAST)), :] = bars.loc[(slice(None), pd.Timestamp(BEFORE)), :].to_numpy()
    report = look(write(bars))
    assert check(report, "constant columns").message == (
        "40 of 40 instruments have the close, high, low, open, volume of the day before, or all the same one: "
        "load it again; 100.0% is more than 90%"
    )
    assert report.red
    assert not look(write(bars), limits={"constant_days": 3}).red


def test_a_column_with_one_value_for_all_is_red(write: Write) -> None:
    bars = table()
    bars.loc[(slice(None), pd.Timestamp(LAST)), "open"] = 1.0
    assert (
        "have the open of the day before, or all the same one"
        in check(look(write(bars)), "constant columns").message
    )
    bars["open"] = 1.0  # it has always been so
    assert colour(look(write(bars))) == "green"


def test_a_benchmark_without_a_bar_is_red(write: Write) -> None:
    bars = table()
    market = write(without(bars, at(BENCHMARK, LAST)))
    report = look(market, benchmark=BENCHMARK)
    assert report.summary == (
        "gate red on 2020-03-25: benchmark: INDEX has no bar on 2020-03-25; load it, or name another one"
    )
    assert not look(market).red
    assert look(market, benchmark="SH000300").red


# --- Jumps --------------------------------------------------------------------------------------------------------


def test_a_split_that_the_factor_lacks_is_yellow_and_several_are_red(write: Write) -> None:
    bars = table()
    bars.loc[at("S04", LAST), list(PRICES)] /= 3
    report = look(write(bars), fields=("close", "open"))  # the factor is looked at though nothing is made of it
    assert colour(report) == "yellow"
    assert check(report, "jumps").message.startswith(
        "closes changed by more than 50.0% without a change of factor: S04 by -6"
    )
    bars.loc[at(["S05", "S06", "S07", "S08"], LAST), list(PRICES)] /= 3
    report = look(write(bars))
    assert colour(report) == "red"
    assert " and 2 more; look for splits that the factor lacks" in check(report, "jumps").message


def test_a_jump_with_its_factor_or_without_any_is_none(write: Write) -> None:
    bars = table()
    bars.loc[at("S04", LAST), list(PRICES)] /= 3
    bars.loc[at("S04", LAST), "factor"] = 3.0
    assert colour(look(write(bars))) == "green"
    no_factor = write(bars.drop(columns="factor"))
    assert colour(look(no_factor, fields=[field for field in FIELDS if field != "factor"])) == "green"


def test_a_jump_is_counted_from_the_last_bar(write: Write) -> None:
    bars = table()
    bars.loc[at("S04", LAST), list(PRICES)] /= 3
    market = write(without(bars, at("S04", ["2020-03-23", BEFORE])))
    assert check(look(market), "jumps").level == "warn"


def test_the_exchanges_limit(write: Write) -> None:
    bars = table()
    before = bars.loc[("S04", pd.Timestamp(BEFORE)), "close"]
    bars.loc[at("S04", LAST), list(PRICES)] = before * 1.12
    limits = {"daily_limit": 0.1}
    assert check(look(write(bars), limits=limits), "daily limit").message == (
        "closes changed by more than 10.5% without a change of factor: S04 by +12.0%; "
        "look for splits that the factor lacks"
    )
    bars.loc[at("S04", LAST), list(PRICES)] = before * 1.1004  # rounded to the cent
    assert colour(look(write(bars), limits=limits)) == "green"


# --- Revisions ----------------------------------------------------------------------------------------------------


def split(bars: pd.DataFrame, code: str, ratio: float) -> pd.DataFrame:
    """All history of an instrument before the last day is adjusted."""
    bars = bars.copy()
    past = at(code, [str(day.date()) for day in DAYS[:-1]])
    bars.loc[past, list(PRICES)] *= ratio
    bars.loc[past, "volume"] /= ratio
    return bars.astype("float32")


@pytest.mark.parametrize("ratio", [0.5, 1.2, 0.9975])
def test_a_split_is_told_by_its_ratio(write: Write, ratio: float) -> None:
    known = seen(write(table().astype("float32")))
    report = look(write(split(table(), "S07", ratio)), known=known)
    assert report.revision is not None
    assert report.revision.kind == "split"
    assert (report.revision.since, report.revision.instruments) == ("2020-01-02", ("S07",))
    assert report.revision.ratios["S07"] == pytest.approx(ratio, abs=1e-7)
    assert check(report, "revision").message == (
        f"bars until 2020-03-24 were split, from 2020-01-02: S07 by {ratio:g}; on_revision says: go on"
    )
    assert not report.red


def test_a_split_with_unadjusted_volume_or_scaled_factor_is_one_too(write: Write) -> None:
    known = seen(write(table().astype("float32")))
    past = at("S07", [str(day.date()) for day in DAYS[:-1]])
    dividend, qlib = table(), split(table(), "S07", 0.5)
    dividend.loc[past, list(PRICES)] *= 0.97
    qlib.loc[past, "factor"] = np.float32(0.5)
    for bars, ratio in ((dividend, 0.97), (qlib, 0.5)):
        revision = look(write(bars.astype("float32")), known=known).revision
        assert revision is not None
        assert revision.ratios == {"S07": pytest.approx(ratio, abs=1e-7)}


def test_prices_and_volumes_in_unlike_ratios_are_no_split(write: Write) -> None:
    known = seen(write(table()))
    bars = split(table(), "S07", 0.5)
    bars.loc[at("S07", [str(day.date()) for day in DAYS[:-1]]), "volume"] *= 3
    revision = look(write(bars), known=known).revision
    assert revision == Revision(since="2020-01-02", instruments=("S07",), ratios={})


@pytest.mark.parametrize("day", ["2020-01-02", "2020-02-05", BEFORE])
@pytest.mark.parametrize(
    ("field", "factor"), [("close", 1.001), ("volume", 2.0), ("volume", 0.0), ("open", np.nan)]
)
def test_one_mended_bar_is_named_with_its_day(write: Write, day: str, field: str, factor: float) -> None:
    known = seen(write(table()))
    bars = table()
    bars.loc[at("S12", day), field] *= factor
    report = look(write(bars), known=known)
    assert report.revision == Revision(since=day, instruments=("S12",), ratios={})
    assert report.revision.kind == "mended"
    assert check(report, "revision").message == (
        f"bars until 2020-03-24 were mended, from {day}: S12; on_revision says: go on"
    )


def test_a_day_that_is_asked_for_is_no_revision_of_itself(write: Write) -> None:
    known = seen(write(table()))
    bars = table()
    bars.loc[at("S12", LAST), list(PRICES)] *= 1.03
    assert look(write(bars), known=known).revision is None


def test_a_split_beside_a_mended_bar(write: Write) -> None:
    known = seen(write(table()))
    bars = split(table().drop(("S07", DAYS[0])), "S07", 0.5)
    bars.loc[at("S12", "2020-02-05"), "close"] *= 1.01
    known = seen(write(table().drop(("S07", DAYS[0]))))
    revision = look(write(bars), known=known).revision
    assert revision is not None
    assert revision.kind == "split and mended"
    assert revision.since == "2020-01-03"
    assert revision.instruments == ("S07", "S12")
    assert revision.ratios == {"S07": pytest.approx(0.5, abs=1e-6)}


def test_the_day_of_a_mended_bar_is_found_beneath_later_splits(write: Write) -> None:
    late = table().drop([("S07", day) for day in DAYS[:30]])
    known = seen(write(late.astype("float32")))
    bars = split(late.reindex(table().index), "S07", 0.5).dropna()
    bars.loc[at("S12", "2020-02-05"), "close"] *= 1.01
    revision = look(write(bars), known=known).revision
    assert revision is not None
    assert (revision.since, revision.kind) == ("2020-02-05", "split and mended")
    only_split = look(write(split(late.reindex(table().index), "S07", 0.5).dropna()), known=known).revision
    assert only_split is not None
    assert only_split.since == str(DAYS[30].date()) == "2020-02-13"


def test_a_bar_that_came_later_and_one_that_is_gone_are_revisions(write: Write) -> None:
    whole, holed = table(), table().drop(("S12", pd.Timestamp("2020-02-05")))
    for before, now in ((whole, holed), (holed, whole)):
        revision = look(write(now), known=seen(write(before))).revision
        assert revision == Revision(since="2020-02-05", instruments=("S12",), ratios={})
    revision = look(write(whole.drop("S12", level="instrument")), known=seen(write(whole))).revision
    assert revision == Revision(since="2020-01-02", instruments=("S12",), ratios={})


def test_a_day_that_was_put_into_the_past_is_a_revision(write: Write) -> None:
    known = seen(write(table().drop(pd.Timestamp("2020-02-05"), level="date")))
    revision = look(write(table()), known=known).revision
    assert revision is not None
    assert (revision.since, revision.instruments, revision.kind) == ("2020-02-05", CODES, "mended")


def test_noise_of_float32_is_no_revision(write: Write) -> None:
    bars = table()
    known = seen(write(bars))
    noise = np.random.default_rng(1).choice([-1.0, 0.0, 1.0], bars.shape) * np.spacing(bars.astype("float32"))
    assert look(write((bars.astype("float32") + noise).astype("float32")), known=known).revision is None
    assert look(write(bars.astype("float32")), known=known).revision is None
    assert look(write(bars.sample(frac=1, random_state=1)), known=known).revision is None


def test_more_days_in_one_step_and_another_universe_are_no_revision(write: Write) -> None:
    market = write(table())
    known = seen(market, "2020-02-05")
    assert look(market, known=known).revision is None
    assert look(market, known=known, universe=["S01"]).revision is None
    assert look(market, known=known, fields=("close",)).revision is None
    assert look(market, "2020-01-15", known=known).revision is None  # what was seen later says nothing of it


# --- Settings and documents ---------------------------------------------------------------------------------------


def test_a_report_is_read_back_from_its_document(write: Write) -> None:
    known = seen(write(table()))
    report = look(write(split(table(), "S07", 0.5)), known=known)
    document = json.loads(json.dumps(report.to_document()))
    assert GateReport.from_document(document) == report
    assert document["revision"]["kind"] == "split"
    red = look(write(table()), "2021-01-04")
    assert GateReport.from_document(json.loads(json.dumps(red.to_document()))) == red


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ({"on_revision": "ignore"}, "'go on', 'recompute' or 'retrain'"),
        ({"bars": {"warn": 0.5, "fail": 0.7}}, "warn must not be below fail, got 0.5 and 0.7"),
        ({"missing": {"warn": 0.5, "fail": 0.3}}, "warn must not be above fail, got 0.5 and 0.3"),
        ({"jump": 0}, "greater than 0"),
        ({"window": 0}, "greater than or equal to 1"),
        ({"bar": 1}, "Extra inputs are not permitted"),
    ],
)
def test_wrong_settings_are_refused(section: dict[str, object], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        GateSection.model_validate(section)
