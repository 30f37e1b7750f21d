"""One operator a file; each calls the workflow of its name."""
