"""The collection over HTTP and its live stream."""
