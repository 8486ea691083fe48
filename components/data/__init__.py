"""Market data: Qlib folders, Parquet and CSV tables, and a demo market, behind one interface."""

from components.data.calendar import Segment, TradingCalendar, to_day
from components.data.cut import until
from components.data.files import DataChanged
from components.data.fingerprint import DataChange, DataTrace, DataView, Fingerprints
from components.data.market import Market, Membership
from components.data.markets import Markets
from components.data.opening import open_market

__all__ = [
    "DataChange",
    "DataChanged",
    "DataTrace",
    "DataView",
    "Fingerprints",
    "Market",
    "Markets",
    "Membership",
    "Segment",
    "TradingCalendar",
    "open_market",
    "to_day",
    "until",
]
