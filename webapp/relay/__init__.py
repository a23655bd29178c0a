"""Pushes events to browsers: one Redis subscription per process, for all its sockets, SSE answers and polls."""
