"""The page of a service: what is online, how its models do, and what was found and decided, day by day."""

from components.report.service.content import (
    COLOURS,
    Choice,
    Coverage,
    DayLine,
    Finding,
    Measured,
    ModelLine,
    Order,
    Orders,
    Revised,
    Role,
    ServiceContent,
    Span,
)

__all__ = [
    "COLOURS",
    "Choice",
    "Coverage",
    "DayLine",
    "Finding",
    "Measured",
    "ModelLine",
    "Order",
    "Orders",
    "Revised",
    "Role",
    "ServiceContent",
    "Span",
]
