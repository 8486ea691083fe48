"""The options of the command that opens the UIs."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from flows.options import Argument, Options

Port = Annotated[int, Field(ge=1, le=65535)]


class UiOptions(Options):
    """Open Prefect's UI, MLflow's UI and the latest reports of the home folder, until Ctrl-C.

    Servers that are configured are linked to; for the others private ones are started on loopback addresses.
    """

    epilog: ClassVar = "exit status: 0 done, 1 a server does not start, 2 wrong input"

    port: Annotated[
        Port | None, Field(description="Port of the page of links; default: any free one."), Argument("N")
    ] = None
    quiet: Annotated[bool, Field(description="Open no browser."), Argument(flag="no-browser")] = False
