"""The supervisor of a private mongod: starts it, restarts it when it dies, stops it when its last user has gone.

A process of its own, so that it outlives whoever needed mongod first; it runs from its file, without the rest of
rollflow. Its locks are `flock`s, which the kernel drops when a process dies in whatever way: every user holds
`users` shared, so the supervisor gets it exclusively only when no user is left. `supervisor.lock` was locked by
whoever started the supervisor and is held through the inherited file descriptor: there is never a second one.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil

_START_LIMIT = _STOP_LIMIT = 60.0  # seconds; recovery after a crash replays the journal
_POLL, _SHORT_LIFE = 0.1, 5.0
_TRIES = 3
# mongod lays out 300 MB of journal at first, for loads that a pool of tasks never has.
_SMALL_JOURNAL = "log=(prealloc=false,file_max=16MB)"
_LEAST_SPACE = 1_000_000  # bytes


class StartError(Exception):
    """mongod does not start; one line says why."""


class Supervisor:
    """One mongod of one folder, on a port that stays the same as long as the supervisor lives."""

    def __init__(self, folder: Path, mongod: str, port: int | None) -> None:
        self.folder = folder
        self.mongod = mongod
        self.fixed = port
        self.port = port or 0
        self.process: subprocess.Popen[bytes] | None = None
        self.started = 0.0

    def start(self) -> None:
        """Start mongod and wait until it answers; a `StartError` when it does not."""
        self._stop_orphan()
        for _ in range(_TRIES):
            self.port = self._choose_port()
            self._launch()
            if self._answers():
                self._write_address()
                return
            self._stop_process()
            reason = self._reason()
            if self.fixed or "already in use" not in reason:
                break
            self.port = 0  # somebody was faster
        raise StartError(f"mongod does not start: {reason} (all of it: {self.folder / 'mongod.log'})")

    def watch(self) -> None:
        """Return when the last user has gone, or mongod cannot be kept alive."""
        deaths = 0
        with (self.folder / "users").open("a") as users:
            while True:
                try:
                    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    time.sleep(_POLL)
                else:
                    self.stop()
                    return
                if self.process is not None and self.process.poll() is not None:
                    deaths = deaths + 1 if time.monotonic() - self.started < _SHORT_LIFE else 0
                    if deaths > _TRIES:
                        return
                    self.start()

    def stop(self) -> None:
        """Stop mongod cleanly. The lock on `users` is still held, so newcomers wait until it is over."""
        (self.folder / "address.json").unlink(missing_ok=True)
        self._stop_process()

    def _stop_process(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(_STOP_LIMIT)
            except subprocess.TimeoutExpired:
                self.process.kill()  # its journal loses nothing
                self.process.wait()

    def _stop_orphan(self) -> None:
        # A supervisor that was killed leaves its mongod behind. It is replaced by one on the same port, so that
        # users who still talk to it only see a short outage.
        pid = self._holder_of_data()
        if pid is None:
            return
        if not self._is_our_mongod(pid):
            # Nothing is sent to a stranger who has that number here.
            raise StartError(
                f"{self.folder} is in use by a mongod of another machine or container; "
                "stop that one, or set ROLLFLOW_HOME to another folder"
            )
        with contextlib.suppress(OSError, ValueError, KeyError):
            self.port = self.port or int(json.loads((self.folder / "address.json").read_text())["port"])
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        give_up = time.monotonic() + _STOP_LIMIT
        while self._holder_of_data() is not None:
            if time.monotonic() > give_up:
                raise StartError(f"an earlier mongod (process {pid}) does not stop; end it by hand")
            time.sleep(_POLL)

    def _holder_of_data(self) -> int | None:
        """The process that has the data open: a mongod locks the file in which it leaves its number."""
        try:
            with (self.folder / "data" / "mongod.lock").open() as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    return int(lock.read())
        except (OSError, ValueError):
            pass
        return None

    def _is_our_mongod(self, pid: int) -> bool:
        """Whether the process of this number serves this folder's data."""
        try:
            command = psutil.Process(pid).cmdline()
        except psutil.Error:
            return False
        return str(self.folder / "data") in command

    def _choose_port(self) -> int:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self.port))
            except OSError:
                if self.fixed:
                    raise StartError(
                        f"port {self.fixed} is taken by another program; choose another or none"
                    ) from None
                probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    def _launch(self) -> None:
        (self.folder / "data").mkdir(exist_ok=True)
        log = self.folder / "mongod.log"
        if log.exists():
            log.replace(self.folder / "mongod.log.1")
        command = [self.mongod, "--dbpath", str(self.folder / "data"), "--logpath", str(log), "--quiet"]
        command += ["--bind_ip", "127.0.0.1", "--port", str(self.port), "--nounixsocket"]
        command += ["--wiredTigerCacheSizeGB", "0.25", "--setParameter", "diagnosticDataCollectionEnabled=false"]
        command += ["--wiredTigerEngineConfigString", _SMALL_JOURNAL]
        try:
            null = subprocess.DEVNULL
            self.process = subprocess.Popen(command, stdin=null, stdout=null, stderr=null)
        except OSError as error:
            raise StartError(f"{self.mongod} cannot be run: {error.strerror}") from None
        self.started = time.monotonic()

    def _answers(self) -> bool:
        """Wait until mongod takes connections: it, and no other program that was faster at its port."""
        give_up = time.monotonic() + _START_LIMIT
        while self.process is not None and self.process.poll() is None and time.monotonic() < give_up:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                if self._listens():
                    return True
            except OSError:
                pass
            time.sleep(0.01)
        return False

    def _listens(self) -> bool:
        """Whether it is mongod that listens on the port."""
        try:
            sockets = psutil.Process(self.process.pid if self.process else 0).net_connections("tcp")
        except psutil.AccessDenied:  # a system that does not tell: something answers, more cannot be known
            return True
        except psutil.Error:
            return False
        return any(one.status == psutil.CONN_LISTEN and one.laddr.port == self.port for one in sockets)

    def _write_address(self) -> None:
        address = {"url": f"mongodb://127.0.0.1:{self.port}", "port": self.port, "supervisor": os.getpid()}
        part = self.folder / "address.json.part"
        part.write_text(json.dumps(address))
        part.replace(self.folder / "address.json")

    def _reason(self) -> str:
        """The first error in mongod's log, which is one JSON document a line."""
        if shutil.disk_usage(self.folder).free < _LEAST_SPACE:
            return "its disk is full"
        try:
            entries = [json.loads(line) for line in (self.folder / "mongod.log").read_text().splitlines()]
        except (OSError, ValueError):
            return "it ended at once; is it made for this system?"
        bad = [entry for entry in entries if entry.get("s") in ("E", "F") and entry.get("attr")]
        if not bad:
            return "it ended without giving a reason"
        return f"{bad[0]['msg']}: {bad[0]['attr'].get('error', bad[0]['attr'])}"[:300]


def main() -> None:
    """Arguments: folder, mongod, port or 0. Reports on stdout, in one line of JSON, how the start went."""
    folder, mongod, port = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    # Not a child of whoever started it: it outlives them and leaves no zombie.
    if os.fork():
        os._exit(0)
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    supervisor = Supervisor(folder, mongod, port or None)
    try:
        supervisor.start()
    except StartError as error:
        answer: dict[str, object] = {"error": str(error)}
    except OSError as error:
        answer = {"error": f"mongod does not start: {folder}: {error.strerror}"}
    else:
        answer = {"port": supervisor.port}
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    if "port" in answer:
        supervisor.watch()
    else:
        supervisor.stop()


if __name__ == "__main__":
    main()
