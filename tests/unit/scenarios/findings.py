"""What a gate found, as the tests ask for it."""

from slipway.core.verdict import decide


def outcome(findings):
    return decide(findings.measurements).outcome


def value(findings, name):
    return {m.name: m.value for m in findings.measurements}[name]


def smallest(findings):
    return findings.details["smallest_failures"]
