"""The indexes of a pool: one for every way in which it looks for tasks."""

from __future__ import annotations

from pymongo import ASCENDING, DESCENDING, IndexModel

from components.pool.status import TaskStatus

#: The order of claiming: by priority, then first come, first served.
CLAIM_ORDER = [("priority", DESCENDING), ("order", ASCENDING)]

INDEXES = [
    # A claim walks this one in order and takes the first that does not rest; counting by status reads nothing else.
    IndexModel([("status", ASCENDING), *CLAIM_ORDER, ("not_before", ASCENDING)]),
    # Reaping looks at running tasks only, which are few.
    IndexModel([("lease_until", ASCENDING)], partialFilterExpression={"status": TaskStatus.RUNNING.value}),
    # Listing in the order of creation.
    IndexModel([("order", ASCENDING)]),
]
