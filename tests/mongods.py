"""mongods that a test may kill: one alone, or three as a replica set."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pymongo
from commands import wait_until
from pymongo.errors import PyMongoError

from components.pool.mongod import find_mongod

Server = TypeVar("Server", "Mongod", "ReplicaSet")
Client = pymongo.MongoClient[dict[str, Any]]


class Mongod:
    """One server, whose data and port stay the same however often it dies."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.options = options
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"mongodb://{self.host}"

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> Path:
        return self.folder / "mongod.log"

    def start(self) -> None:
        """Start it, and wait until it listens."""
        data = self.folder / "data"
        data.mkdir(parents=True, exist_ok=True)
        command = [str(find_mongod(self.folder)), "--dbpath", str(data), "--logpath", str(self.log), "--logappend"]
        command += ["--port", str(self.port), "--bind_ip", "127.0.0.1", "--nounixsocket"]
        command += ["--wiredTigerCacheSizeGB", "0.25", "--setParameter", "diagnosticDataCollectionEnabled=false"]
        command += ["--setParameter", "enableTestCommands=1"]  # for `failing`
        command += ["--wiredTigerEngineConfigString", "log=(prealloc=false,file_max=16MB)"]
        null = subprocess.DEVNULL
        self._process = subprocess.Popen([*command, *self.options], stdin=null, stdout=null, stderr=null)
        wait_until(lambda: self._listens() or not self.alive)
        assert self.alive, self.log.read_text()[-2000:]

    def kill(self) -> None:
        """SIGKILL: nothing is written any more."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """A clean end."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True


class ReplicaSet:
    """Three servers that notice within a second or two that their primary has died, and elect another."""

    def __init__(self, folder: Path, size: int = 3) -> None:
        options = ("--replSet", "tests", "--oplogSize", "50")
        self.members = [Mongod(folder / str(number), *options) for number in range(size)]

    @property
    def url(self) -> str:
        return f"mongodb://{','.join(member.host for member in self.members)}/?replicaSet=tests"

    @property
    def alive(self) -> bool:
        """Whether there is a primary, and every other member follows it."""
        states = sorted(self._states().values())
        return states == ["PRIMARY", *["SECONDARY"] * (len(self.members) - 1)]

    def start(self) -> None:
        """Start those that do not run, and wait until all take part."""
        for member in self.members:
            if not member.alive:
                member.start()
        if not self._states():
            self._initiate()
        wait_until(lambda: self.alive)

    def stop(self) -> None:
        for member in self.members:
            member.kill()  # waiting for a clean end would only take time

    def primary(self) -> Mongod:
        """The member that accepts writes; waits until there is one."""
        found: list[Mongod] = []

        def look() -> bool:
            hosts = [host for host, state in self._states().items() if state == "PRIMARY"]
            found[:] = [member for member in self.members if member.host in hosts and member.alive]
            return bool(found)

        wait_until(look)
        return found[0]

    @contextmanager
    def lagging(self) -> Iterator[None]:
        """Let the others get nothing from the primary, until the block ends."""
        others = [member for member in self.members if member is not self.primary()]

        def switch(mode: str) -> None:
            for member in others:
                with _direct(member) as client:
                    client.admin.command("configureFailPoint", "stopReplProducer", mode=mode)

        switch("alwaysOn")
        yield
        switch("off")

    def _initiate(self) -> None:
        # Quick to notice and to elect: the defaults are made for networks across an ocean.
        settings = {"electionTimeoutMillis": 1000, "heartbeatIntervalMillis": 200, "catchUpTimeoutMillis": 1000}
        members = [{"_id": number, "host": member.host} for number, member in enumerate(self.members)]
        with _direct(self.members[0]) as client:
            client.admin.command("replSetInitiate", {"_id": "tests", "members": members, "settings": settings})

    def _states(self) -> dict[str, str]:
        """The state of each member as the first that answers knows it."""
        for member in self.members:
            if not member.alive:
                continue
            try:
                with _direct(member) as client:
                    status = client.admin.command("replSetGetStatus")
            except PyMongoError:
                continue
            return {other["name"]: other["stateStr"] for other in status["members"]}
        return {}


@contextmanager
def failing(
    url: str, *commands: str, always: bool = False, times: int = 1, **how: Any
) -> Iterator[Callable[[], object]]:
    """Let the next of these commands fail, or all until the block ends or what it gets is called.

    With ``closeConnection=True`` a command is not run, with ``blockConnection=True, blockTimeMS=500`` run later.

    With ``writeConcernError={"code": 262, "errmsg": "..."}`` it is run, but the server does not vouch for it.
    """
    point = {"configureFailPoint": "failCommand"}
    with pymongo.MongoClient(url) as client:
        mode = "alwaysOn" if always else {"times": times}
        client.admin.command(point | {"mode": mode, "data": {"failCommands": commands, **how}})
        yield lambda: client.admin.command(point | {"mode": "off"})
        client.admin.command(point | {"mode": "off"})


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """The server, until the block ends."""
    try:
        server.start()
        yield server
    finally:
        server.stop()


def _direct(member: Mongod) -> Client:
    limits = {"serverSelectionTimeoutMS": 1000, "socketTimeoutMS": 2000}
    return pymongo.MongoClient(member.url, directConnection=True, **limits)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
