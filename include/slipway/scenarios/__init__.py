"""Validation of the running container over HTTP, against an independent ground truth."""
