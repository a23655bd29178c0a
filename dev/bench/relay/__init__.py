"""The relay's sockets beside those of other servers: the same client, the same core, one process each."""
