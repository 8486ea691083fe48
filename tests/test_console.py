"""How a command ends."""

from __future__ import annotations

import pytest

from components.errors import InputError, RollflowError
from components.tracking import ArtifactMissing
from flows.console import run_command


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (InputError("no such config"), 2, "error: no such config\n"),
        (ArtifactMissing("run 1 has no artifact pred"), 1, "error: run 1 has no artifact pred\n"),
        (RollflowError("it does not work"), 1, "error: it does not work\n"),
        (OSError(28, "No space left on device", "/x"), 1, "error: [Errno 28] No space left on device: '/x'\n"),
        (RollflowError("http://u:geheim@host/ is gone"), 1, "error: http://u:***@host/ is gone\n"),
    ],
)
def test_what_can_be_explained_is_one_line(
    error: Exception, status: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def main() -> int:
        raise error

    with pytest.raises(SystemExit) as ended:
        run_command(main)
    assert (ended.value.code, capsys.readouterr().err) == (status, line)
