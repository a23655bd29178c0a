"""Takes the text out of an uploaded file, in a child process that holds no secrets and has tight limits."""
