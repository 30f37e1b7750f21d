"""The archive of versions that are no longer kept at hand: written, read back, verified, unpacked; and its page."""
