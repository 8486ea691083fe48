"""Whether a round of chaos ended as it must: what the workers say they did against what the pool holds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from pathlib import Path

from chaos_worker import ATTEMPTS, Post
from pool_invariants import assert_sound

from components.pool import TaskRecord, TaskStatus

#: What a process says, one line each: its number, a verb of these and the verb's words.
_OF_A_CLAIM = ("claimed", "tries", "acknowledged", "refused")


class Journal:
    """The lines of all processes of a round so far."""

    def __init__(self, path: Path) -> None:
        path.touch()
        self._file = path.open("rb")
        self._rest = b""
        self.lines: list[list[str]] = []
        self.verbs: Counter[str] = Counter()

    def read(self) -> Journal:
        """Itself, with what has been said since."""
        *lines, self._rest = (self._rest + self._file.read()).split(b"\n")
        for line in lines:
            words = line.decode().split("\t")
            self.lines.append(words)
            self.verbs[words[1]] += 1
        return self

    def deaths(self) -> Counter[str]:
        """How many killed themselves at each write, or by their task."""
        return Counter(words[2] for words in self.lines if words[1] == "died")

    def claims(self) -> set[str]:
        """Every claim that somebody was given."""
        return {words[3] for words in self.lines if words[1] == "claimed"}

    def close(self) -> None:
        self._file.close()


def check(records: Mapping[str, TaskRecord], journal: Journal, killed: Collection[int], post: Post) -> None:
    """Every task is there and finished, and finished by the one who believes that it did."""
    assert_sound(records.values())
    stored = sorted(int(str(record.definition["number"])) for record in records.values())
    assert stored == list(range(post.tasks)), f"{len(stored)} tasks of {post.tasks}"
    for record in records.values():
        _check_end(record)
    said: dict[str, set[str]] = defaultdict(set)
    for _, verb, *words in journal.lines:
        if verb in _OF_A_CLAIM:
            task, claim, *status = words
            said[claim].add(verb)
            written = [event.status for event in records[task].history if event.claim == claim]
            assert verb != "acknowledged" or status[0] in written, f"acknowledged, but not written: {words}"
            assert verb != "refused" or set(written) <= {TaskStatus.RUNNING}, f"refused, but written: {words}"
    for record in records.values():
        for event in record.history:
            if event.why == "complete":
                heard = said[str(event.claim)]
                assert "tries" in heard, f"completed by nobody: {record.id}"
                died = _process(event.owner) in killed
                assert "acknowledged" in heard or died, f"not acknowledged, though its writer lives: {record.id}"


def _check_end(record: TaskRecord) -> None:
    """Done once, by the claim whose result it has, or in the dead letter with its attempts."""
    last, kind = record.history[-1], record.definition["kind"]
    times_done = [event.status for event in record.history].count(TaskStatus.DONE)
    assert times_done == (record.status is TaskStatus.DONE), f"{record.id} was done {times_done} times"
    if record.status is TaskStatus.DONE:
        assert kind not in ("hopeless", "deadly"), record.id
        assert record.result == {"claim": last.claim}, f"{record.id} has the result of another claim"
        return
    assert record.status is TaskStatus.FAILED, f"{record.id} is {record.status}"
    assert record.errors[-1].type == "InputError" or record.errors[-1].attempt == ATTEMPTS, record.id
    attempts = [error.attempt for error in record.errors][-record.attempts :]
    assert attempts == list(range(1, record.attempts + 1)), f"{record.id} has attempts {attempts}"


def _process(owner: str | None) -> int:
    return int((owner or ":0").partition(":")[2])
