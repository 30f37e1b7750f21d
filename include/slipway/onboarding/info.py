"""What a registered version does not say about a model, and its owner has to."""

from __future__ import annotations

from dataclasses import dataclass

from slipway.core.spec import RiskTier


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """Said by the person who onboards the model; what is left out is written so that it cannot be overlooked.

    Attributes
    ----------
    dataset : str
        Name of the folder below ``expectations/``; empty: the model's own name.
    label : str
        The label's column in the snapshot; empty: the one column that is no input.
    purpose, team, contact : str
    risk_tier : RiskTier
        High unless said otherwise: a model that nobody has judged yet needs a person's approval.
    """

    dataset: str = ""
    label: str = ""
    purpose: str = "Not stated yet: what the answer is used for, and who decides on it"
    team: str = "not-stated"
    contact: str = "not-stated@example.invalid"
    risk_tier: RiskTier = RiskTier.HIGH
