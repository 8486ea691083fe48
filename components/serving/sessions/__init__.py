"""Trading days past and to come, and when a service runs on them."""

from components.serving.sessions.exchange_hours import ExchangeHours
from components.serving.sessions.schedule import CronSchedule, Due, find_due, schedule_for
from components.serving.sessions.sessions import WEEKDAYS, Sessions, to_utc

__all__ = ["WEEKDAYS", "CronSchedule", "Due", "ExchangeHours", "Sessions", "find_due", "schedule_for", "to_utc"]
