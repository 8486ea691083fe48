"""Servers that cannot be reached, do not let us in, or are full: one clear line each, no password in it."""

from __future__ import annotations

import logging
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pymongo
import pytest
from commands import wait_until
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from mongods import Mongod, running

from components.errors import InputError
from components.pool import PoolRefused, PoolUnavailable, PoolUnreachable, TaskPool, TaskStatus, list_pools
from components.pool.__main__ import main
from components.pool.mongod import embedded_mongo
from components.pool.mongod.supervisor import Supervisor
from components.redaction import without_password

_PASSWORD = "s3cret@/"  # noqa: S105 - of a server that lives for one test
QUICK = "serverSelectionTimeoutMS=300"


def line_of(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The one line with which a command ends that cannot do what it should."""
    assert main([*words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    return line


# --- addresses


def test_no_server(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> None:
    caplog.set_level(logging.DEBUG)
    url = f"mongodb://me:s3cret@127.0.0.1:1/?{QUICK}"
    with pytest.raises(PoolUnreachable, match=r"does not answer .* is it running") as caught:
        TaskPool(url)
    assert "mongodb://me:***@127.0.0.1:1" in str(caught.value)
    assert "\n" not in str(caught.value)
    line = line_of(capsys, "counts", "--url", url)
    assert str(caught.value) in line
    assert "s3cret" not in line + caplog.text


@pytest.mark.parametrize(
    "url",
    [
        "mongodb://me:s3c/ret@host",
        "mongodb://me:s3c@ret@host",
        "mongodb://me:s3cret@host:port",
        "mongodb://host/?tls=true&tlsCAFile=/nowhere/ca.pem",
        "mongodb://host/?authMechanismProperties=s3c",
        "",
    ],
)
def test_addresses_that_cannot_be_read(url: str) -> None:
    with pytest.raises(InputError, match="MongoDB address") as caught:
        TaskPool(url)
    assert "s3c" not in str(caught.value)
    assert "ret@" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mongodb://me:@host", "A password is required"),
        ("mongodb://host/?sererSelectionTimeoutMS=5", r"Did you mean one of \(serverselectiontimeoutms"),
        ("mongodb://host/?serverSelectionTimeoutMS=soon", "must be an integer or float"),
        ("mongodb://host/?tls=true&tlsCAFile=/nowhere/ca.pem", "No such file or directory: '/nowhere/ca.pem'"),
    ],
)
def test_what_is_wrong_with_an_address_is_said(url: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        TaskPool(url)


def test_addresses_are_shown_without_password() -> None:
    assert without_password("mongodb://a:b@h1,h2/db?replicaSet=r") == "mongodb://a:***@h1,h2/db?replicaSet=r"
    assert without_password("mongodb+srv://a:b%40c@h/") == "mongodb+srv://a:***@h/"
    assert without_password("mongodb://h:27017/db") == "mongodb://h:27017/db"
    key = "mongodb://h/?tlsCertificateKeyFilePassword=pw&tls=true"
    assert without_password(key) == "mongodb://h/?tlsCertificateKeyFilePassword=***&tls=true"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "it is empty"),
        (".", "it begins with '.'"),
        ("..", "it begins with '.'"),
        ("../x", "it begins with '.'"),
        ("x.", "it ends with '.'"),
        ("a..b", r"it holds '\.\.'"),
        ("a$b", r"cannot hold '\$'"),
        ("a\0b", r"cannot hold '\\x00'"),
        ("system.tasks", "MongoDB's own"),
        ("x" * 121, "longer than 120 bytes"),
        ("ü" * 61, "longer than 120 bytes"),
        ("caf\udce9", "cannot hold"),
    ],
)
def test_pool_names_that_mongodb_refuses(
    mongo_url: str, name: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputError, match=f"pool .*: .*{reason}"):
        TaskPool(mongo_url, name=name)
    if name:
        assert "error: pool " in line_of(capsys, "counts", "--url", mongo_url, "--pool", name)


@pytest.mark.parametrize("name", ["", ".", "../x", "a.b", "a b", "a$b", "a/b", "a\0b", "x" * 64, "caf\udce9"])
def test_database_names_that_mongodb_refuses(mongo_url: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    for open_database in (lambda: TaskPool(mongo_url, database=name), lambda: list_pools(mongo_url, name)):
        with pytest.raises(InputError, match="database name"):
            open_database()
    if name:
        for command in ("list", "counts"):
            assert "error: database name" in line_of(capsys, command, "--url", mongo_url, "--database", name)


@pytest.mark.parametrize("name", ["a.b", "run 2020", "日本", "x" * 120])
def test_pool_names_that_mongodb_allows(mongo_url: str, name: str) -> None:
    with TaskPool(mongo_url, "names", name) as pool:
        pool.submit([{"n": 1}])
        assert name in list_pools(mongo_url, "names")
        pool.remove({})


def test_log_file_of_a_folder_is_named(tmp_path: Path) -> None:
    assert not (tmp_path / "mongod.log").exists()
    assert Supervisor(tmp_path, "", None)._reason() == "it ended at once; is it made for this system?"


# --- who may do what


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Host and port of a mongod that asks for a password; users admin (all) and reader (read)."""
    with running(Mongod(tmp_path_factory.mktemp("auth"), "--auth")) as server:
        with pymongo.MongoClient[dict[str, Any]](server.url) as first:
            first.admin.command("createUser", "admin", pwd=_PASSWORD, roles=["root"])
        with pymongo.MongoClient[dict[str, Any]](f"mongodb://admin:s3cret%40%2F@{server.host}") as admin:
            admin.admin.command("createUser", "reader", pwd=_PASSWORD[:6], roles=["readAnyDatabase"])
        yield server.host


def test_the_right_password_is_kept_to_itself(guarded: str) -> None:
    with TaskPool(f"mongodb://admin:s3cret%40%2F@{guarded}/", name="shown") as pool:
        pool.submit([{"n": 1}])
        assert repr(pool) == f"TaskPool('mongodb://admin:***@{guarded}/', 'rollflow', 'shown')"
        record = pool.claim("host:1")
        assert record is not None
        pool.fail(record, ValueError(f"no login with {_PASSWORD}"))
        (error,) = pool.get(record.id).errors
        assert error.message == "no login with ***"
        assert "s3cret" not in error.traceback


def test_a_wrong_password_and_none(guarded: str, capsys: pytest.CaptureFixture[str]) -> None:
    line = line_of(capsys, "counts", "--url", f"mongodb://admin:s3cret-not@{guarded}/")
    assert "wrong user or password" in line
    assert "s3cret" not in line
    assert "may not do that" in line_of(capsys, "counts", "--url", f"mongodb://{guarded}/")


def test_a_user_who_may_only_read(guarded: str, capsys: pytest.CaptureFixture[str]) -> None:
    with TaskPool(f"mongodb://admin:s3cret%40%2F@{guarded}/", lease=timedelta(milliseconds=10)) as pool:
        (task_id,) = pool.submit([{"n": 1}])
        pool.claim("gone:1")
    time.sleep(0.2)  # the lease runs out, by the server's clock
    url = f"mongodb://reader:s3cret@{guarded}/"
    with TaskPool(url) as pool:
        assert pool.counts() == {TaskStatus.RUNNING: 1}
        assert [record.id for record in pool.find()] == [task_id]
        for write in (lambda: pool.claim("x"), lambda: pool.submit([{"n": 2}]), pool.cancel, pool.reap):
            with pytest.raises(PoolRefused, match="needs the role readWrite") as refused:
                write()
            assert "s3cret" not in str(refused.value)
        with pytest.raises(TimeoutError):  # though the lease has run out: it waits for others to notice
            pool.wait(timeout=timedelta(seconds=0.1))
    assert "rolling" in list_pools(url)
    assert main(["counts", "--url", url]) == 0
    capsys.readouterr()
    assert "needs the role readWrite" in line_of(capsys, "cancel", "--yes", "--url", url, "--pool", "rolling")


# --- TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-made one for 127.0.0.1, with its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    signed = builder.add_extension(address, critical=False).sign(key, hashes.SHA256())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    file.write_bytes(private + signed.public_bytes(Encoding.PEM))
    return file


@pytest.fixture(scope="module")
def encrypted(certificate: Path) -> Iterator[Mongod]:
    """A mongod that speaks nothing but TLS."""
    options = ("--tlsMode", "requireTLS", "--tlsCertificateKeyFile", str(certificate))
    with running(Mongod(certificate.parent, *options)) as server:
        yield server


def test_tls(encrypted: Mongod, certificate: Path) -> None:
    with TaskPool(f"{encrypted.url}/?tls=true&tlsCAFile={certificate}") as pool:
        pool.submit([{"n": 1}])
        record = pool.claim("host:1")
        assert record is not None
        pool.complete(record)
        assert pool.counts() == {TaskStatus.DONE: 1}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            "tls=true&",
            "verify failed: self-signed certificate.*name the file of its authority with tlsCAFile",
        ),
        ("", r"does it want TLS \(tls=true\)"),
    ],
)
def test_tls_misunderstood(encrypted: Mongod, options: str, message: str) -> None:
    with pytest.raises(PoolUnreachable, match=message):
        TaskPool(f"{encrypted.url}/?{options}{QUICK}")


def test_tls_where_there_is_none(mongo_url: str, certificate: Path) -> None:
    with pytest.raises(PoolUnreachable, match=r"does it want TLS \(tls=true\), or not"):
        TaskPool(f"{mongo_url}/?{QUICK}&tls=true&tlsCAFile={certificate}")


# --- servers that hang, and full disks


def test_a_hanging_server_is_given_up(mongo_url: str) -> None:
    with TaskPool(
        mongo_url + "/?socketTimeoutMS=100", "tests", "slow", outage_timeout=timedelta(seconds=0.3)
    ) as pool:
        pool.submit([{"n": 1}])
        start = time.monotonic()
        with pytest.raises(PoolUnavailable, match="does not answer"):
            pool.find({"$where": "sleep(1000) || true"})
        assert time.monotonic() - start < 5


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 400 MB, of which mongod needs 300 to begin with."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"this machine does not let root mount: {mounted.stderr.decode().strip()}")
    yield folder
    wait_until(lambda: not subprocess.run(["umount", str(folder)], capture_output=True, check=False).returncode)


def fill(path: Path) -> None:
    """Leave nothing of the disk."""
    with path.open("wb") as file:
        try:
            while True:
                file.write(bytes(100_000))
                file.flush()
        except OSError:
            return


def submit_until_refused(pool: TaskPool, first: int, acknowledged: set[str]) -> None:
    for number in range(first, 10_000):
        acknowledged.update(pool.submit([{"n": number, "padding": "x" * 500_000}]))


def test_a_full_disk(small_disk: Path) -> None:
    """A mongod whose journal cannot be written stops; what it acknowledged is there when it can start again."""
    refused = pytest.raises((PoolUnavailable, PoolRefused), match=r"does not answer|disk is full")
    with (
        running(Mongod(small_disk)) as server,
        TaskPool(f"{server.url}/?{QUICK}", outage_timeout=timedelta(milliseconds=100)) as pool,
    ):
        acknowledged = set(pool.submit([{"n": n} for n in range(10)]))
        record = pool.claim("host:1")
        assert record is not None
        fill(small_disk / "filling")
        with refused as caught:
            submit_until_refused(pool, 10, acknowledged)
        assert "\n" not in str(caught.value)
        completed = False
        with suppress(PoolUnavailable, PoolRefused):  # the journal may have room for so little
            pool.complete(record, "late")
            completed = True
        (small_disk / "filling").unlink()
        if not server.alive:
            server.start()
        if not completed:
            pool.complete(record, "late")  # nobody has taken it meanwhile
        assert acknowledged <= {found.id for found in pool.find()}
        assert pool.get(record.id).result == "late"


def test_a_private_mongod_on_a_full_disk(small_disk: Path) -> None:
    (small_disk / "mongo").mkdir()
    fill(small_disk / "filling")
    with pytest.raises(InputError, match=r"mongod does not start: its disk is full|No space left"):
        embedded_mongo(small_disk).__enter__()
