"""The watch over one model's registered versions, and the refusal to release one twice by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from slipway.core.new_version import ON_NEW_VERSION, Releases, Seen, next_version, released_before
from slipway.ledger.entries import EntryKind
from slipway.registry.listing import newest_versions
from slipway.workflows.release import Release
from slipway.workflows.workbench import Workbench

RELEASES = (EntryKind.RELEASE_STARTED, EntryKind.RELEASE_ENDED)


class VersionWatch:
    """Looks for the next version to be released; :mod:`slipway.core.new_version` has the rules.

    Parameters
    ----------
    model : str
        The model's own name.
    open_bench : callable
        Gives a workbench; called again after a look that failed, since addresses may have changed.
    seen : Seen, optional
        What an earlier watch of this model remembered.
    """

    def __init__(self, model: str, open_bench: Callable[[], Workbench], seen: Seen | None = None) -> None:
        self.seen = seen
        self._model = model
        self._open = open_bench
        self._bench: Workbench | None = None
        self._settled: frozenset[int] = frozenset()

    def look(self) -> int | None:
        """Return the version to be released now, if there is one; any SlipwayError leaves the watch as it was.

        The ledger is asked only while the registry has a version that it was not known to know.
        """
        try:
            bench = self._bench = self._bench or self._open()
            versions = newest_versions(bench.settings.tracking_uri, bench.spec(self._model).registered_model)
            if self.seen is None:
                self.seen = Seen.first(versions)
            return self._next(bench, versions, self.seen)
        except BaseException:
            self._bench = None
            raise

    def offered(self, version: int) -> Seen:
        """Remember that a version was offered; return what has to be kept for the watch after this one."""
        assert self._bench is not None
        assert self.seen is not None
        self.seen = self.seen.with_offer(version, now=self._bench.now().timestamp())
        return self.seen

    def _next(self, bench: Workbench, versions: Iterable[int], seen: Seen) -> int | None:
        news = [version for version in versions if version > seen.after and version not in self._settled]
        if not news:
            return None
        now = bench.now()
        known = Releases.of(bench.ledger.entries(model=self._model, kinds=RELEASES), now=now)
        self._settled = known.settled
        return next_version(news, seen, known, now=now.timestamp())


def is_repeat(bench: Workbench, release: Release) -> bool:
    """Tell whether a release that began by itself is of a version that had its release: an event came twice."""
    if release.requester != ON_NEW_VERSION or release.version is None:
        return False
    entries = bench.ledger.entries(model=release.model, kinds=RELEASES)
    return released_before(entries, version=release.version, release=release.id)
