"""`make pictures`: plays a bad day against the sandbox, and takes the pictures of the documents."""
