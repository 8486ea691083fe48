"""Markets from their address."""

from __future__ import annotations

from pathlib import Path

from components.data.market import Market
from components.errors import InputError, nearest

_SCHEMES = ("demo", "qlib", "parquet", "csv")


def open_market(uri: str) -> Market:
    """Open ``demo:``, ``qlib:PATH``, ``parquet:PATH`` or ``csv:PATH``.

    A relative path and ``~`` are made absolute; a table's path may be a file or a folder of files.
    The demo market takes options: ``demo:?seed=7&instruments=100&years=6&regime=2019-06-03``.

    Raises:
        InputError: for an unknown scheme, a missing folder or file, or data that cannot be read.

    """
    scheme, colon, rest = uri.partition(":")
    if not colon or scheme not in _SCHEMES:
        hint = nearest(scheme, _SCHEMES) if colon else ""
        raise InputError(f"unknown market {uri!r}; write demo:, qlib:PATH, parquet:PATH or csv:PATH{hint}")
    # each kind is imported when it is asked for: commands start faster
    if scheme == "demo":
        from components.data.demo import DemoMarket, parse_demo_options

        return DemoMarket(parse_demo_options(rest))
    path = _existing(uri, rest)
    if scheme == "qlib":
        if not path.is_dir():
            raise InputError(f"market {uri!r}: {path} is not a folder")
        from components.data.qlib_folder import QlibFolder

        return QlibFolder(path)
    from components.data.tables import TableMarket

    return TableMarket(path, scheme)


def _existing(uri: str, text: str) -> Path:
    if not text:
        raise InputError(f"market {uri!r} has no path; write {uri}PATH")
    try:
        path = Path(text).expanduser().absolute()
        path.stat()
        if not (path.is_dir() or path.is_file()):
            raise InputError(f"market {uri!r}: {path} is neither a file nor a folder")
        return path.resolve(strict=True)
    except FileNotFoundError:
        raise InputError(f"market {uri!r}: {path} does not exist") from None
    except (OSError, ValueError, RuntimeError) as error:  # the last two: a zero byte, a circle of links or no home
        problem = getattr(error, "strerror", None) or str(error)
        raise InputError(f"market {uri!r:.200}: cannot be opened ({problem})") from None
