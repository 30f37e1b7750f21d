"""Every error that Slipway raises on purpose: what happened, then what to do about it.

::

    SlipwayError
    ├── SettingsError            an environment variable or the project folder is wrong
    ├── StorageError             a disk is full, or not ours to write on
    ├── IdentityError            a name, version or digest is not well formed
    ├── SpecError                model.yaml, scenarios.yaml or a contract does not hold
    ├── SignatureError           a signature contradicts itself
    │   └── RequestRejected      a request breaks the signature or a declared policy
    ├── EvidenceError            evidence is missing, malformed or of other bytes
    │   ├── PromotionRefused     the dossier does not allow a promotion
    │   └── AuditFailed          something is not as it was recorded
    ├── AuditInconclusive        the audit could not look at everything
    ├── GateConfigurationError   a gate has nothing to decide on
    ├── GateStopped              a gate said FAILED or INCONCLUSIVE; the release ends here
    ├── RegistryError            the model registry answered with an error
    │   ├── RegistryUnreachable  ... or did not answer
    │   ├── VersionNotFound      no such model or version
    │   └── ArtifactError        the version's files are missing or damaged
    ├── CommandError             an outside program failed or ran out of time
    ├── EngineUnavailable        no container engine answers
    ├── ImageBuildError          locking, fetching or building failed
    ├── ServiceError             a service did not start, answer or stop
    │   └── StaleHandleError     a service's name now belongs to another one
    ├── ReferenceFailed          the independent reference is missing or crashed
    ├── GatewayError             the gateway did not take a route
    ├── OrchestratorError        Airflow refused a call or does not answer
    ├── StackError               the embedded services could not be started
    └── LedgerError              the ledger cannot be read or written
        └── LedgerBroken         its chain does not hold
"""

from __future__ import annotations

MAX_TEXT = 4000


class SlipwayError(Exception):
    """Root of the tree.

    Parameters
    ----------
    reason : str
        What happened; a sentence without its full stop. Cut at ``MAX_TEXT`` characters.
    remedy : str
        What the reader can do next, as an imperative.

    >>> str(SlipwayError("port 8080 is taken", remedy="set SLIPWAY_PORT"))
    'port 8080 is taken. What to do: set SLIPWAY_PORT.'
    """

    def __init__(self, reason: str, *, remedy: str) -> None:
        self.reason = shorten(reason.strip().rstrip("."))
        self.remedy = remedy.strip().rstrip(".")
        super().__init__(f"{self.reason}. What to do: {self.remedy}.")


def shorten(text: str, limit: int = MAX_TEXT) -> str:
    """Return ``text``, its middle cut out when it is longer than ``limit`` characters.

    >>> shorten("abcdefghij", 5)
    'ab … ij'
    """
    if len(text) <= limit:
        return text
    half = max(1, limit // 2)
    return f"{text[:half]} … {text[-half:]}"


class SettingsError(SlipwayError):
    """An environment variable or the project folder is wrong."""


class StorageError(SlipwayError):
    """A disk is full, or a file is not ours to write."""


class IdentityError(SlipwayError):
    """A name, version or digest is not well formed."""


class SpecError(SlipwayError):
    """A declaration (model.yaml, scenarios.yaml, contract.yaml) does not hold."""


class SignatureError(SlipwayError):
    """A signature contradicts itself."""


class RequestRejected(SignatureError):
    """A request breaks the signature or a declared policy."""


class EvidenceError(SlipwayError):
    """Evidence is missing, malformed or of other bytes."""


class PromotionRefused(EvidenceError):
    """The dossier does not allow a promotion."""


class GateConfigurationError(SlipwayError):
    """A gate has nothing to decide on."""


class GateStopped(SlipwayError):
    """A gate said FAILED or INCONCLUSIVE; the release ends here."""


class RegistryError(SlipwayError):
    """The model registry answered with an error."""


class RegistryUnreachable(RegistryError):
    """The model registry did not answer."""


class VersionNotFound(RegistryError):
    """No such registered model or version."""


class ArtifactError(RegistryError):
    """A version's files are missing or damaged."""


class CommandError(SlipwayError):
    """An outside program failed or ran out of time."""


class EngineUnavailable(SlipwayError):
    """No container engine answers."""


class ImageBuildError(SlipwayError):
    """Locking, fetching wheels or building the image failed."""


class ServiceError(SlipwayError):
    """A service did not start, answer or stop."""


class StaleHandleError(ServiceError):
    """A service's name now belongs to another service."""


class ReferenceFailed(SlipwayError):
    """The independent reference is missing, crashed or answered nonsense."""


class GatewayError(SlipwayError):
    """The gateway did not take a route."""


class OrchestratorError(SlipwayError):
    """Airflow refused a call or does not answer."""


class StackError(SlipwayError):
    """The embedded services could not be started or stopped."""


class LedgerError(SlipwayError):
    """The ledger cannot be read or written."""


class LedgerBroken(LedgerError):
    """The ledger's chain does not hold; ``seq`` is the first entry that does not, where one can be named."""

    seq: int | None = None


class AuditFailed(EvidenceError):
    """The audit found that something is not as it was recorded."""


class AuditInconclusive(SlipwayError):
    """The audit could not look at everything."""
