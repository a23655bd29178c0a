"""The journey's live streams: a person's, an entry's, a line's and a hall's, as sockets, SSE and polls."""
