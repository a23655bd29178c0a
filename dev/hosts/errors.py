"""What can go wrong with the hosts.

LocalError
    HostsError        a sentence for the person at the terminal: no such host, or what this machine cannot do
"""

from dev.local.errors import LocalError


class HostsError(LocalError):
    """A command was not carried out, or not whole."""
