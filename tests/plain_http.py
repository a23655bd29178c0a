"""For HTTP clients of the tests: everything they ask is on this machine and speaks plain HTTP."""

import ssl

# Without it each client, and each call without one, reads all certificates there are: 30 ms of CPU.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
