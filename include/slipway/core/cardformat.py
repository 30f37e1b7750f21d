"""What a model card can be written as."""

from __future__ import annotations

from enum import StrEnum


class CardFormat(StrEnum):
    """The form of a model card."""

    HTML = "html"
    MARKDOWN = "md"
    PDF = "pdf"
