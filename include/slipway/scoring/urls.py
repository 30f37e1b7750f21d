"""Where rows come from and answers go: a Parquet folder, or a table of a SQL database.

``parquet:///path`` or a plain absolute path is a folder; any other URL is SQLAlchemy's, with the table after a ``#``:
``sqlite:////var/data.db#customers``, ``postgresql+psycopg2://host/warehouse#crm.customers``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from slipway.errors import SpecError

_PARQUET = "parquet://"
_REMEDY = "write parquet:///folder, sqlite:////file.db#table or postgresql+psycopg2://host/database#table"


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of Parquet files."""

    path: Path


@dataclass(frozen=True, slots=True)
class Table:
    """A table: the database's SQLAlchemy URL, its schema or None, its name."""

    url: str
    schema: str | None
    name: str


def parse_place(url: str, *, table: str | None = None) -> Folder | Table:
    """Return the place that a URL names.

    Parameters
    ----------
    url : str
    table : str, optional
        The table, ``[schema.]name``, where it is not part of the URL.

    Raises
    ------
    SpecError
        If it names no place that can be read and written.

    >>> parse_place("parquet:///data/in"), parse_place("sqlite:////d.db#crm.people")
    (Folder(path=PosixPath('/data/in')), Table(url='sqlite:////d.db', schema='crm', name='people'))
    """
    if url.startswith(_PARQUET) or "://" not in url:
        path = Path(url.removeprefix(_PARQUET))
        if not path.is_absolute() or table is not None:
            raise SpecError(f"{url!r} is not an absolute folder without a table", remedy=_REMEDY)
        return Folder(path)
    address, _, named = url.partition("#")
    if table is not None and named:
        raise SpecError(f"the table is given twice, as {named!r} and {table!r}", remedy="name it once")
    if not (table or named):
        raise SpecError("the database's URL names no table", remedy=_REMEDY)
    schema, _, name = (table or named).rpartition(".")
    return Table(address, schema or None, name)
