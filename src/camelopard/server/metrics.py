"""Counts of what went through, as Prometheus reads them: some dozen series a model, never one per column."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from camelopard.firewall.verdicts import Verdicts
from camelopard.server.scoring.outcome import ROUTES

if TYPE_CHECKING:
    from camelopard.store.log import Health, VerdictLog

KIND = b"text/plain; version=0.0.4; charset=utf-8"


@dataclass
class Counts:
    """What one model's gateway has seen since it started."""

    rows: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ROUTES, 0))
    requests: int = 0
    refused: int = 0
    seconds: float = 0.0
    judged: int = 0
    failed: int = 0
    unjudged: int = 0
    late: int = 0
    upstream: int = 0
    dropped: int = 0
    _counting: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, verdicts: Verdicts, seconds: float) -> None:
        """Count the verdicts of one request, and how long they took."""
        with self._counting:  # requests are judged in several threads
            for route in verdicts.route.tolist():
                self.rows[route] += 1
            self.judged += 1
            self.seconds += seconds


SERIES = {
    "requests": ("camelopard_requests_total", "Requests that asked for an answer."),
    "refused": ("camelopard_requests_refused_total", "Requests that were not taken: unreadable, too large, too many at once."),
    "judged": ("camelopard_judging_seconds_count", "Requests that were judged."),
    "seconds": ("camelopard_judging_seconds_sum", "Seconds spent on judging them, the model's answers included."),
    "failed": ("camelopard_firewall_failures_total", "Requests on which the firewall itself failed."),
    "unjudged": ("camelopard_rows_unjudged_total", "Rows that were answered without being judged."),
    "late": ("camelopard_timeouts_total", "Requests that took too long."),
    "upstream": ("camelopard_upstream_failures_total", "Requests that the model behind did not answer."),
    "dropped": ("camelopard_mirrored_requests_dropped_total", "Mirrored requests that nobody had time for."),
}


class Counted(Protocol):
    """What is counted: a served model."""

    @property
    def counts(self) -> Counts: ...

    @property
    def log(self) -> VerdictLog | None: ...


def exposed(models: Mapping[str, Counted], at_once: int) -> bytes:
    """Return all series in the text format of Prometheus."""
    lines = ["# TYPE camelopard_rows_total counter"]
    named = {_escaped(name): served.counts for name, served in models.items()}
    lines += [f'camelopard_rows_total{{model="{name}",route="{route}"}} {counts.rows[route]}' for name, counts in named.items() for route in ROUTES]
    for attribute, (series, help_text) in SERIES.items():
        lines += [f"# HELP {series} {help_text}", f"# TYPE {series} counter"]
        lines += [f'{series}{{model="{name}"}} {getattr(counts, attribute)}' for name, counts in named.items()]
    for name, served in models.items():
        if served.log is not None:
            lines += _of_log(_escaped(name), served.log.health())
    lines += ["# TYPE camelopard_requests_at_once gauge", f"camelopard_requests_at_once {at_once}"]
    return ("\n".join(lines) + "\n").encode()


def _of_log(name: str, health: Health) -> list[str]:
    figures = {"written_total": health.written, "lost_total": health.lost, "waiting": health.waiting, "failing": int(not health.fine)}
    return [f'camelopard_log_rows_{what}{{model="{name}"}} {value}' for what, value in figures.items()]


def _escaped(name: str) -> str:
    return name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
