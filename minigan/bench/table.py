"""What was measured, as text, Markdown, JSON and a roofline figure."""

import json
from dataclasses import asdict, dataclass, field, replace
from datetime import date

from ..checkpoint import replacing

HEADS = ("", "ms", "±", "GFLOP/s", "GB/s", "of the limit")


@dataclass(frozen=True)
class Row:
    """One contestant at one problem, timed in seconds. `limit` is the least time that the machine's own limits allow, `ratios`
    the times of those that are not ours over this one's: above 1 this one is faster. `error` is relative; `where` says what is
    most wrong."""

    problem: str
    name: str
    error: float
    allowed: float
    flops: float
    bytes: float
    limit: float
    seconds: float | None = None
    spread: float | None = None
    ratios: dict = field(default_factory=dict)
    where: str = ""

    @property
    def is_right(self):
        return self.error <= self.allowed  # and not error > allowed, which a NaN would pass

    def against(self, seconds):
        """This row with its ratios to the peers' {name: seconds}."""
        if not self.seconds:
            return self
        return replace(self, ratios={name: each / self.seconds for name, each in seconds.items() if name != self.name})

    def cells(self, peers):
        """What stands in the table, as text: as HEADS, and behind them the ratio to each of the peers."""
        if not self.is_right:
            sentence = (
                f"WRONG: off by {self.error:.1e}, allowed is {self.allowed:.0e}{self.where and f'; {self.where}'}"
            )
            return self.name, sentence, *("" for _ in (*HEADS[2:], *peers))
        if self.seconds is None:
            return self.name, "right", *("" for _ in (*HEADS[2:], *peers))
        return (
            self.name,
            f"{1e3 * self.seconds:.4g}",
            f"{self.spread / self.seconds:.0%}",
            f"{self.flops / self.seconds / 1e9:,.1f}",
            f"{self.bytes / self.seconds / 1e9:,.1f}",
            f"{self.limit / self.seconds:.0%}",
            *(f"{self.ratios[peer]:.2f}×" if peer in self.ratios else "" for peer in peers),
        )


@dataclass
class Table:
    """Rows, problem after problem, and the machine that they were measured on."""

    machine: object
    rows: list = field(default_factory=list)
    day: str = field(default_factory=lambda: date.today().isoformat())

    @property
    def head(self):
        machine = self.machine
        tf32 = f", {machine.tf32 / 1e12:.3g} TFLOP/s TF32" if machine.tf32 else ""
        return (
            f"{machine.name}, {self.day}: {machine.flops / 1e12:.3g} TFLOP/s float32{tf32}, "
            f"{machine.bandwidth / 1e9:,.0f} GB/s copying, measured here"
        )

    def by_problem(self):
        """{problem: its rows}."""
        rows = {}
        for row in self.rows:
            rows.setdefault(row.problem, []).append(row)
        return rows

    def _tables(self):
        """(problem, its heads and rows as text), one after the other."""
        for problem, rows in self.by_problem().items():
            peers = [row.name for row in rows if any(row.name in other.ratios for other in rows)]
            yield problem, [(*HEADS, *(f"vs {peer}" for peer in peers)), *(row.cells(peers) for row in rows)]

    def __str__(self):
        lines = [self.head]
        for problem, cells in self._tables():
            widths = [max(map(len, column)) for column in zip(*cells)]
            widths[1] = min(widths[1], 10)  # a sentence there runs over what is empty
            lines += ["", problem]
            for name, *rest in cells:
                numbers = (text.rjust(width) for text, width in zip(rest, widths[1:]))
                lines.append(f"  {name.ljust(widths[0])}  {'  '.join(numbers)}".rstrip())
        return "\n".join(lines)

    def markdown(self):
        """A Markdown table for each problem."""
        lines = [self.head]
        for problem, (heads, *rows) in self._tables():
            lines += ["", f"**{problem}**", "", f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
            lines += [f"| {' | '.join(row)} |" for row in rows]
        return "\n".join(lines) + "\n"

    def json(self, counted=()):
        """Everything, in SI units; and the Counts of what was counted without a GPU."""
        rows, counts = ([asdict(each) for each in of] for of in (self.rows, counted))
        return json.dumps({"machine": asdict(self.machine), "day": self.day, "rows": rows, "counted": counts}, indent=1)


def save_roofline(path, table):
    """Draw arithmetic intensity against speed, under the roof that the machine's limits make, as a PNG."""
    import numpy as np
    from matplotlib.figure import Figure

    machine, figure = table.machine, Figure(figsize=(9, 5.5), layout="constrained")
    axes = figure.subplots()
    intensity = np.geomspace(0.05, 2000, 200)
    roofs = {"float32": (machine.flops, "0.3"), "TF32": (machine.tf32, "0.6")}
    for name, (flops, color) in roofs.items():
        if flops:
            axes.plot(
                intensity, np.minimum(flops, intensity * machine.bandwidth) / 1e9, color=color, label=f"limit, {name}"
            )
    timed = [row for row in table.rows if row.seconds and row.is_right]
    names = list(dict.fromkeys(row.name for row in timed))
    for number, name in enumerate(names):
        own = [row for row in timed if row.name == name]
        x, y = [row.flops / row.bytes for row in own], [row.flops / row.seconds / 1e9 for row in own]
        axes.scatter(x, y, s=28, color=f"C{number % 10}", marker="osD^vP*X"[number // 10 % 8], label=name)
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="operations for each byte that must move",
        ylabel="GFLOP/s",
        title=machine.name,
    )
    axes.grid(alpha=0.3)
    figure.legend(loc="outside right upper")
    with replacing(path) as part:
        figure.savefig(part, dpi=110, format="png")
