"""`python -m flows.ui`: Prefect's and MLflow's UIs and the latest reports, until Ctrl-C."""

from __future__ import annotations

import webbrowser
from contextlib import ExitStack
from threading import Event

from flows.console import Interrupt, quiet_libraries, run_command
from flows.ui.options import UiOptions


def main() -> int:
    """Run the command."""
    options = UiOptions.parse("python -m flows.ui")
    quiet_libraries()
    from components.settings import Settings
    from components.tracking import open_store
    from flows.server import start_server
    from flows.ui.page import Link
    from flows.ui.servers import mlflow_ui
    from flows.ui.site import serve

    settings = Settings.from_env()
    store = open_store(settings.tracking_uri, settings.home)
    _say("starting Prefect's and MLflow's UIs ...")
    with ExitStack() as stack:
        prefect = start_server(settings.home, lambda: store.client)
        local = store.uri.startswith("sqlite")
        mlflow = stack.enter_context(mlflow_ui(store.uri)) if local else store.shown_uri
        prefect.wait()
        links = [
            Link("Prefect", "flow runs, their nodes and logs; deployments", prefect.ui),
            Link("MLflow", "experiments, models, artifacts", mlflow),
        ]
        try:
            site = stack.enter_context(serve(store, links, str(settings.home), options.port))
        except OSError as error:
            raise _taken(options, error) from None
        address = f"http://127.0.0.1:{site.server_port}"
        for name, link in (("everything", address), *((each.name, each.address) for each in links)):
            _say(f"  {name:<14}{link}")
        _say("Ctrl-C ends them")
        if not options.quiet:
            webbrowser.open(address)
        try:
            Event().wait()
        except Interrupt:
            return 0
    return 0


def _taken(options: UiOptions, error: OSError) -> Exception:
    from components.errors import InputError

    return InputError(f"port {options.port} cannot be used ({error.strerror}); give another one with --port")


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    run_command(main)
