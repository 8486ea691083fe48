"""What a run of a service shows of itself in the Prefect UI."""

from __future__ import annotations

from typing import Any

from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.runtime import flow_run

from components.report.parts import written
from components.report.picture import cumulated_ic, data_uri
from components.report.service import COLOURS, DayLine, Order, ServiceContent
from components.serving import ServiceResult


def publish_service(result: ServiceResult, content: ServiceContent, address: str) -> None:
    """Leave the days that were served and the orders as tables, the service's figures, and a link to its page.

    Args:
        result: What was done.
        content: What the page shows.
        address: Where the page is; a browser does not follow a link to a file, so that it is shown as well.
    """
    name, served = flow_run.flow_name, {day.day for day in result.days}
    create_table_artifact(
        key=f"{name}-days",
        table=[_day(day) for day in reversed(content.days) if day.day in served],
        description=f"Days of service {result.service} that were served now",
    )
    if content.orders is not None:
        orders = [_order(order) for order in content.orders.rows]
        create_table_artifact(
            key=f"{name}-orders",
            table=orders,
            description=f"Orders of service {result.service} for the session after {content.newest.day}"
            + ("" if orders else ": none"),
        )
    create_markdown_artifact(
        key=f"{name}-signal",
        markdown=_page(result, content),
        description=f"Service {result.service} on {content.newest.day}",
    )
    create_link_artifact(
        key=f"{name}-report",
        link=address,
        link_text="report.html",
        description=f"Page of service {result.service}: {address}",
    )


def _day(day: DayLine) -> dict[str, Any]:
    return {
        "day": day.day,
        "gate": COLOURS[day.gate] if day.gate else "",
        "online": ", ".join(f"{name} {model}" for name, model in day.online.items()),
        "trained": ", ".join(f"{name} {model}" for name, models in day.trained.items() for model in models),
        "failed": "; ".join(f"{name}: {why}" for name, why in day.failed.items()),
        "scored": sum(day.scored.values()),
        "without a score": sum(day.missing.values()),
        "drift alarms": day.alarms,
    }


def _order(order: Order) -> dict[str, Any]:
    return {
        "name": order.instrument,
        "buy": order.buy,
        "sell": order.sell,
        "held": order.held,
        "target": order.target,
        "rank": order.rank,
        "price": order.price,
        "why": order.why,
    }


def _page(result: ServiceResult, content: ServiceContent) -> str:
    picture = cumulated_ic(content.daily)
    roles = "\n".join(
        f"| {role.strategy} | {role.role} | {role.model} | {role.since} | {written(role.ic, '{:.4f}')} "
        f"| {written(role.rank_ic, '{:.4f}')} | {role.realised} |"
        for role in content.roles
    )
    parts = [
        f"![realised IC, cumulated]({data_uri(picture)})" if picture else "",
        f"| strategy | role | model | since | IC | Rank IC | days |\n|---|---|---|---|---|---|---|\n{roles}",
        "\n".join(f"- gate, {each.name}: {each.message}" for each in content.gate if each.level != "ok"),
        "\n".join(f"- {name} was not trained: {why}" for name, why in content.newest.failed.items()),
        "\n".join(f"- {warning}" for warning in result.warnings),
        # a block, for a line of text would run over what is beside it: Prefect breaks no path
        f"```text\nMLflow run {result.recorder_id}\nsignal {result.signals}\nreport {result.report}\n```",
    ]
    return "\n\n".join(part for part in parts if part)
