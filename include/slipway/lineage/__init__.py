"""What came from what: data, version, image, deployment, batch outputs, drift reports."""
