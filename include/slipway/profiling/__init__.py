"""Profile: where the time of a request goes inside the service, drawn, named, and compared with the champion's."""

from slipway.profiling.run import Rival, profile_serving

__all__ = ["Rival", "profile_serving"]
