"""``python -m bench.gates``: release faulty and good versions for real, and say what the gates caught."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.gates.case import Case
from bench.gates.catalog import SHIPPED, CatalogueError, load, select
from bench.gates.output import write_results
from bench.gates.power import INJECTIONS, measure_power, read_power
from bench.gates.records import Record, Verdict
from bench.gates.store import Store

ROOT = Path(__file__).resolve().parents[2]
VAR = ROOT / "var" / "bench" / "gates"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; 0 when every run could be judged, 1 otherwise. What the gates missed is a result, no error."""
    options = _options(arguments)
    try:
        cases = select(load(options.catalog), options.only)
    except CatalogueError as error:
        _say(str(error))
        return 2
    if options.list:
        _list(cases)
        return 0
    started_at = datetime.now(UTC)
    whole = options.catalog == SHIPPED and not options.only
    runtime = _run(cases, options)
    injections = INJECTIONS if whole and not options.report else 0
    if options.power is not None:
        injections = options.power
    if injections:
        measure_power(VAR / "power", injections=injections, say=_say)
    records = _kept(cases, runtime, _store(options))
    power = read_power(VAR / "power") if whole or options.power else []
    missing = {case.id for case in cases} - {record.case for record in records}
    if missing:
        _say(f"{len(missing)} of {len(cases)} cases have no run yet: go on with --resume")
    write_results(_name(options, part=bool(missing)), records, power, started_at=started_at, say=_say)
    return int(any(record.verdict is Verdict.BROKEN for record in records) or not records)


def _run(cases: Sequence[Case], options: argparse.Namespace) -> str:
    """Make the runs that are wanted, and return where they ran."""
    from bench.gates.run import run_all
    from bench.gates.site import Site, forget

    if options.report:
        return ""
    store = _store(options)
    if not options.resume:
        forget(VAR / "site", say=_say)
        for old in store.folder.glob("*.json"):
            old.unlink()
    with Site(VAR / "site", runtime=options.runtime, say=_say) as site:
        runtime = site.runtime
        runs = store.left(cases, repeats=options.repeat, runtime=runtime)
        _say(f"{len(cases)} cases, {len(runs)} runs to make, on runtime {runtime}")
        run_all(site, runs, store, _say)
    return runtime


def _store(options: argparse.Namespace) -> Store:
    """Return the records of this catalogue, which are its own: two catalogues may have a case of the same name."""
    return Store(VAR / ("runs" if options.catalog == SHIPPED else f"runs-{options.catalog.resolve().name}"))


def _kept(cases: Sequence[Case], runtime: str, store: Store) -> list[Record]:
    runtimes = [runtime] if runtime else ["docker", "process"]
    return [record for name in runtimes for record in store.of(cases, name)]


def _name(options: argparse.Namespace, *, part: bool) -> str:
    if options.catalog != SHIPPED:
        return f"gates-{options.catalog.resolve().name}"
    return "gates-part" if options.only or part else "gates"


def _list(cases: Sequence[Case]) -> None:
    for case in cases:
        print(f"{case.id:<46} {case.model:<22} {case.stopped_by or 'released':<16} {case.why}")
    faulty = sum(case.faulty for case in cases)
    print(f"{len(cases)} cases: {faulty} faulty, {len(cases) - faulty} good")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.gates", description=__doc__)
    add = parser.add_argument
    add("--catalog", type=Path, default=SHIPPED, metavar="DIR", help="a folder of cases, in place of the project's own")
    add("--only", action="append", default=[], metavar="PATTERN", help="cases by id, group or name; may be repeated")
    add("--repeat", type=int, default=1, metavar="N", help="run each case so often")
    add("--runtime", choices=("auto", "docker", "process"), default="auto", help="where model servers run")
    add("--resume", action="store_true", help="go on where a run was ended; champions and records are kept")
    add("--power", type=int, metavar="N", help="inject so many half-percent faults; 0: none. Whole runs: 100")
    add("--report", action="store_true", help="run nothing: write the results from the records that there are")
    add("--list", action="store_true", help="show the cases and end")
    return parser.parse_args(arguments)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what is running is stopped on the way out
    sys.exit(main())
