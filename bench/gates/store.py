"""Records on disk, one file a run, so that a benchmark that was killed can go on."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from bench.gates.case import Case
from bench.gates.records import Record, Verdict


class Store:
    """A folder of records.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, record: Record) -> None:
        """Write a record in one step: a killed run leaves no half of one."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(record.case, record.repeat, record.runtime)
        fresh = path.with_suffix(".part")
        fresh.write_text(json.dumps(record.to_json(), indent=1) + "\n", encoding="utf-8")
        fresh.replace(path)

    def get(self, case: str, repeat: int, runtime: str) -> Record | None:
        """Return a run's record, if there is one that can be read."""
        try:
            return Record.from_json(json.loads(self._path(case, repeat, runtime).read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def of(self, cases: Iterable[Case], runtime: str) -> list[Record]:
        """Return all records of some cases, in the cases' order."""
        found: list[Record] = []
        for case in cases:
            repeat = 1
            while (record := self.get(case.id, repeat, runtime)) is not None:
                found.append(record)
                repeat += 1
        return found

    def left(self, cases: Iterable[Case], *, repeats: int, runtime: str) -> list[tuple[Case, int]]:
        """Return the runs that are still to be made, repeat by repeat; one that broke is made again."""
        wanted = [(case, repeat) for repeat in range(1, repeats + 1) for case in cases]
        return [(case, repeat) for case, repeat in wanted if not self._done(case.id, repeat, runtime)]

    def _done(self, case: str, repeat: int, runtime: str) -> bool:
        record = self.get(case, repeat, runtime)
        return record is not None and record.verdict is not Verdict.BROKEN

    def _path(self, case: str, repeat: int, runtime: str) -> Path:
        return self.folder / f"{case.replace('/', '__')}.{runtime}.{repeat}.json"
