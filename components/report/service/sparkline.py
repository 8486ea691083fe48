"""A measure over the last days, as small as a word."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup

from components.report.service.content import Measured

_WIDTH, _HEIGHT, _EDGE = 180, 34, 4


def sparkline(measured: Measured) -> Markup:
    """The values of a measure and its limit as an SVG in the page's colours; empty where no value is known."""
    known = [value for value in (*measured.values, *measured.limits) if value is not None]
    if not any(value is not None for value in measured.values):
        return Markup("")
    low, high = min(known), max(known)
    steps = max(len(measured.values) - 1, 1)

    def place(position: int, value: float) -> tuple[float, float]:
        share = (value - low) / ((high - low) or 1.0)
        return _EDGE + (_WIDTH - 2 * _EDGE) * position / steps, _HEIGHT - _EDGE - (_HEIGHT - 2 * _EDGE) * share

    def parts() -> Iterator[str]:
        label = f"{len(measured.values)} days, from {low:.3g} to {high:.3g}"
        yield f'<svg class="spark" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}">'
        for values, kind in ((measured.limits, "limit"), (measured.values, "values")):
            points = [place(at, value) for at, value in enumerate(values) if value is not None]
            yield f'<polyline class="{kind}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>'
        for at, (value, alarm) in enumerate(zip(measured.values, measured.alarms, strict=True)):
            if value is not None and (alarm or at == len(measured.values) - 1):
                x, y = place(at, value)
                yield f'<circle class="{"alarm" if alarm else "newest"}" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>'
        yield "</svg>"

    return Markup("".join(parts()))  # noqa: S704 - numbers only
