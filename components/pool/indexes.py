"""The indexes of a pool: one for every way in which it looks for tasks."""

from __future__ import annotations

from pymongo import ASCENDING, DESCENDING, IndexModel

from components.pool.status import TaskStatus

#: The order of claiming: by priority, then first come, first served.
CLAIM_ORDER = [("priority", DESCENDING), ("order", ASCENDING)]

_RUNNING = {"status": TaskStatus.RUNNING.value}

#: A claim walks this index in order and takes the first that is not backing off; counting by status reads nothing
#: else. It is made before a pool has its first task, and by it a pool is told from other collections.
CLAIM_INDEX = [("status", ASCENDING), *CLAIM_ORDER, ("not_before", ASCENDING)]

INDEXES = [
    IndexModel(CLAIM_INDEX),
    # Reaping looks at running tasks only, which are few.
    IndexModel([("lease_until", ASCENDING)], partialFilterExpression=_RUNNING),
    # One call claims one task, even if the server executes it twice: late, after the client had repeated it.
    IndexModel([("claim_id", ASCENDING)], unique=True, partialFilterExpression=_RUNNING),
    # Listing in the order of creation.
    IndexModel([("order", ASCENDING)]),
    # Watching a run: its counts, and what has changed in it. Tasks that no run names are not in it.
    IndexModel(
        [("runs", ASCENDING), ("status", ASCENDING), ("updated_at", ASCENDING)],
        partialFilterExpression={"runs": {"$exists": True}},
    ),
]
