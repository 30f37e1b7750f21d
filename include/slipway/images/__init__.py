"""Images: lock, fetch, build without network, describe, and prove later that an image is still what was tested."""
