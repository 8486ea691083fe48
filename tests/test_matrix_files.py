"""Arrays of a matrix as files: what is appended stays, and filling one takes the room of one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from components.features.matrix_files import ArrayFile

ROWS = ArrayFile(name="X.bin", dtype="<f4", width=3)

#: Fills 128 MiB as a build does, whose array is still at hand when its checksums are taken, and tells in MiB by how
#: much the largest resident set grew.
FILL = """
import sys
from pathlib import Path
from components.features.matrix_files import ArrayFile
def peak():
    status = Path("/proc/self/status").read_text()  # unlike ru_maxrss, nothing of the parent process
    return int(status.split("VmHWM:")[1].split()[0]) / 1024
file, before = ArrayFile(name="X.bin", dtype="<f4", width=1024), peak()
with file.grown(Path(sys.argv[1]), 2**15) as values:
    values[:] = 1
file.appended(Path(sys.argv[1]), 2**15)
print(peak() - before)
"""


def test_rows_are_appended_in_place_or_as_they_are(tmp_path: Path) -> None:
    with ROWS.grown(tmp_path, 4) as values:
        values[:] = np.arange(12).reshape(4, 3)
    file = ROWS.appended(tmp_path, 2).written(tmp_path, np.array([[9, 8, 7]], dtype="<f4"))
    assert file.rows == 3
    assert file.read(tmp_path).tolist() == [[0, 1, 2], [3, 4, 5], [9, 8, 7]]
    assert (tmp_path / "X.bin").stat().st_size == 36
    file.verify(tmp_path)


def test_what_a_killed_writer_left_is_overwritten(tmp_path: Path) -> None:
    file = ROWS.written(tmp_path, np.ones((1, 3), dtype="<f4"))
    with (tmp_path / "X.bin").open("ab") as end:
        end.write(b"half a row")
    assert file.written(tmp_path, np.zeros((1, 3), dtype="<f4")).read(tmp_path).tolist() == [[1, 1, 1], [0, 0, 0]]


@pytest.mark.parametrize("content", [bytes(8), bytes(11) + b"1"])
def test_a_file_that_has_changed_is_refused(tmp_path: Path, content: bytes) -> None:
    file = ROWS.written(tmp_path, np.zeros((1, 3), dtype="<f4"))
    (tmp_path / "X.bin").write_bytes(content)
    with pytest.raises(ValueError, match=r"X\.bin has changed since it was written"):
        file.verify(tmp_path)


def test_no_rows_need_no_file(tmp_path: Path) -> None:
    ROWS.verify(tmp_path)
    assert ROWS.read(tmp_path).shape == (0, 3)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_filling_an_array_takes_the_memory_of_one(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FILL, str(tmp_path)]
    grown = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert 120 < grown < 160
