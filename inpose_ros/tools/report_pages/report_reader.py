"""The reports of all runs, asked for single numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inpose_ros.tools.report_pages.curves import Report


@dataclass(frozen=True)
class Found:
    """Reports by the name of their run; a run that was not made has none."""

    reports: Mapping[str, Report]

    def methods(self, run: str) -> list[str]:
        return list(self.reports[run]['methods']) if run in self.reports else []

    def frames(self, run: str) -> int | None:
        """How many frames a run scored in each of its settings."""
        return self.reports[run]['frames'] if run in self.reports else None

    def scores(
        self, run: str, method: str, option: str = 'scale', value: str | None = None
    ) -> Mapping[str, float] | None:
        """All scores of a method at a value of an option (None: at its base); None where that was not measured."""
        if method not in self.methods(run):
            return None
        report = self.reports[run]
        return report['methods'][method][option].get(report['base'][option] if value is None else value)

    def score(
        self, run: str, method: str, metric: str, option: str = 'scale', value: str | None = None
    ) -> float | None:
        scores = self.scores(run, method, option, value)
        return None if scores is None else scores.get(metric)

    def values(self, run: str, option: str) -> list[str]:
        """Of an option as typed, in their order."""
        return list(next(iter(self.reports[run]['methods'].values()))[option]) if run in self.reports else []

    def joined(self, run: str, slow: str) -> dict[str, Any]:
        """One report of two runs of the same sweep: the second's methods where the first has none of that name."""
        first, second = (self.reports.get(name, {}) for name in (run, slow))
        parts = {}
        for part in ('methods', 'joint_cm', 'calibration'):
            ours, others = first.get(part, {}), second.get(part, {})
            parts[part] = ours | {name: value for name, value in others.items() if name not in ours}
        return {**second, **first} | parts
