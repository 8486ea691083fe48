"""Market data: Qlib folders, Parquet and CSV tables, and a demo market, behind one interface."""

from components.data.calendar import TradingCalendar, to_day
from components.data.market import Market, Membership

__all__ = ["Market", "Membership", "TradingCalendar", "to_day"]
