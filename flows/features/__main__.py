"""`python -m flows.features`: build the feature matrix of a config, and export its raw values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.console import quiet_libraries, run_command
from flows.features.options import FeaturesOptions

if TYPE_CHECKING:
    from flows.features.flow import FeaturesResult


def main() -> int:
    """Run the command; imports wait until the options are known, so that `--help` is quick."""
    options = FeaturesOptions.parse("python -m flows.features")
    quiet_libraries()
    from components.settings import Settings
    from flows.features.check import checked_request
    from flows.server import check_configured, start_server

    checked_request(options)
    check_configured()
    server = start_server(Settings.from_env().home, lambda: None)
    from flows.features.flow import features

    server.wait()
    _print_summary(features(**options.given()))
    return 0


def _print_summary(result: FeaturesResult) -> None:
    from rich.console import Console

    show = Console(soft_wrap=True, highlight=False, markup=False).print
    show(f"{result.rows:,} rows, {result.features} features, {result.labels} label{'s' * (result.labels != 1)}")
    done = "reused" if result.reused else "built"
    show(f"  {'matrix':<12}{result.matrix}   ({done} in {result.seconds['matrix']:.1f} s)")
    if result.out:
        show(f"  {'raw values':<12}{result.out}   (written in {result.seconds['export']:.1f} s)")


if __name__ == "__main__":
    run_command(main)
