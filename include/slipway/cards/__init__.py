"""The model card: what a model is for, what it was shown to do, where it must not be used."""

from __future__ import annotations

from slipway.cards.build import build_card
from slipway.cards.card import Card
from slipway.cards.facts import CardFacts, Rival
from slipway.cards.html import to_html
from slipway.cards.markdown import to_markdown
from slipway.cards.snapshot import DataFacts, read_data

__all__ = ["Card", "CardFacts", "DataFacts", "Rival", "build_card", "read_data", "to_html", "to_markdown"]
