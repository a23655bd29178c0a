"""What the clients and parsers written by hand cost, beside the libraries that do the same."""
