"""What a piece of evidence is about: a model, a version, and the digests of its bytes.

Names and tags are hints; a digest is an identity. Everything here is parsed once, at the edge,
and never passed on as a bare string.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from slipway.errors import IdentityError

_NAME = re.compile(r"[a-z][a-z0-9_]{1,62}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def parse_model_name(text: str) -> str:
    """Return ``text`` if it is a model name, else raise IdentityError.

    >>> parse_model_name("tumor_malignancy")
    'tumor_malignancy'
    """
    if not _NAME.fullmatch(text):
        raise IdentityError(
            f"{text!r} is not a model name",
            remedy="use 2 to 63 lower-case letters, digits and underscores, a letter first",
        )
    return text


def parse_digest(text: str) -> str:
    """Return ``text`` if it is a digest, ``sha256:`` and 64 hexadecimal digits, else raise IdentityError."""
    if not _DIGEST.fullmatch(text):
        raise IdentityError(f"{text!r} is not a sha256 digest", remedy="write it as sha256:<64 hexadecimal digits>")
    return text


def digest_bytes(data: bytes) -> str:
    """Return the digest of ``data``.

    >>> digest_bytes(b"")[:19]
    'sha256:e3b0c44298fc'
    """
    return "sha256:" + hashlib.sha256(data).hexdigest()


def digest_tree(files: Mapping[str, str]) -> str:
    """Return the digest of a tree of files, given each relative POSIX path and that file's digest.

    Only paths and contents count: not times, owners or the order of listing.
    """
    lines = (f"{path}\0{parse_digest(digest)}\n" for path, digest in sorted(files.items()))
    return digest_bytes("".join(lines).encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What was judged: one version of one model, by the digests of its files and of its image.

    A model has one name, its folder's, and everything of Slipway goes by it: ledger, evidence, images, services,
    routes, reports, commands and DAGs. ``registered_model`` of its declaration is what MLflow calls it, and is said
    to MLflow alone: by the registry's adapter (:class:`slipway.registry.mlflow_registry.Registry`) and by training.

    Attributes
    ----------
    model : str
        The model's own name.
    version : int
        The registry's version number, from 1.
    artifact_sha256 : str
        Digest over the version's model, snapshot and reference files.
    image_digest : str or None
        Digest of the image; None for a check that runs before an image exists.
    """

    model: str
    version: int
    artifact_sha256: str
    image_digest: str | None = None

    def __post_init__(self) -> None:
        """Refuse a name, version or digest that is not well formed."""
        parse_model_name(self.model)
        if isinstance(self.version, bool) or not isinstance(self.version, int) or self.version < 1:
            raise IdentityError(f"{self.version!r} is not a version", remedy="use the registry's number, 1 or more")
        parse_digest(self.artifact_sha256)
        if self.image_digest is not None:
            parse_digest(self.image_digest)

    def with_image(self, image_digest: str) -> Subject:
        """Return the same subject, bound to an image."""
        return replace(self, image_digest=image_digest)

    def covers(self, other: Subject) -> bool:
        """Tell whether evidence on ``self`` speaks about ``other``.

        Evidence made before the image existed speaks about every image of the same artifact;
        evidence on an image speaks about that image alone.
        """
        same_artifact = (self.model, self.version, self.artifact_sha256) == (
            other.model,
            other.version,
            other.artifact_sha256,
        )
        return same_artifact and self.image_digest in (None, other.image_digest)

    def to_json(self) -> dict[str, Any]:
        """Return the subject as JSON values."""
        return {
            "model": self.model,
            "version": self.version,
            "artifact_sha256": self.artifact_sha256,
            "image_digest": self.image_digest,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Subject:
        """Read what :meth:`to_json` wrote."""
        return cls(
            model=data["model"],
            version=data["version"],
            artifact_sha256=data["artifact_sha256"],
            image_digest=data.get("image_digest"),
        )

    def __str__(self) -> str:
        """Return the model, the version and the first digits of the digests."""
        image = f", image {self.image_digest[7:19]}" if self.image_digest else ""
        return f"{self.model} version {self.version} (artifact {self.artifact_sha256[7:19]}{image})"
