"""The page of a service: what is online, how its models do, and what was found and decided, day by day."""

from components.report.service.content import (
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
