"""Our own facet of a dataset: every digest that names it."""

from __future__ import annotations

import attr
from openlineage.client.facet_v2 import DatasetFacet


@attr.define
class DigestsDatasetFacet(DatasetFacet):
    """Digests by name: ``artifact``, ``image``, ``train``, ``holdout``, ``report``; each ``sha256:`` and 64 digits."""

    digests: dict[str, str] = attr.field(factory=dict)

    @staticmethod
    def _get_schema() -> str:
        return "urn:slipway:lineage:DigestsDatasetFacet:1-0-0"
