"""The web server of the page of links and of the reports; browsers refuse links from it to files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from components.errors import RollflowError
from components.report.runs import REPORT, REPORT_TAG
from components.tracking import ExperimentManager
from components.tracking.runs import RUN_ID
from flows.ui.page import Link, Report, render

#: How many reports are listed.
_REPORTS = 60
_SECURITY = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def latest_reports(experiments: ExperimentManager) -> list[Report]:
    """The newest reports, the newest first."""
    names = {each.id: each.name for each in experiments.list_experiments()}
    listed = experiments.search(
        f"tags.`{REPORT_TAG}` LIKE '%'", order_by=[f"tags.`{REPORT_TAG}` DESC"], limit=_REPORTS
    )
    return [
        Report(
            run.id,
            run.name,
            names.get(run.experiment, ""),
            datetime.fromisoformat(run.tags[REPORT_TAG]).astimezone(),
            run.metrics.get("IC"),
        )
        for run in listed
    ]


@contextmanager
def serve(
    experiments: ExperimentManager, links: Sequence[Link], home: str, port: int | None
) -> Iterator[ThreadingHTTPServer]:
    """Serve the page on a loopback address while the block runs.

    Raises:
        OSError: when the port is taken.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            host = (self.headers.get("Host") or "").rpartition(":")[0]
            if host not in ("127.0.0.1", "localhost"):  # a page of somebody else's, whose name leads here
                self._reply(HTTPStatus.FORBIDDEN, "<h1>403</h1>")
                return
            try:
                self._reply(HTTPStatus.OK, self._page())
            except RollflowError:
                self._reply(HTTPStatus.NOT_FOUND, "<h1>404</h1>")

        def _page(self) -> str:
            if self.path == "/":
                return render(home, links, latest_reports(experiments))
            place, _, run = self.path[1:].partition("/")
            if place != "report" or not RUN_ID.fullmatch(run):
                raise RollflowError(self.path)
            with experiments.recorder(run).opened(REPORT) as path:
                return path.read_text("utf-8")

        def _reply(self, status: HTTPStatus, page: str) -> None:
            content = page.encode()
            self.send_response(status)
            for name, value in _SECURITY.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Requests are nobody's concern."""

    with ThreadingHTTPServer(("127.0.0.1", port or 0), Handler) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, name="site", daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
