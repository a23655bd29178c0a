"""What can go wrong with a session and its run. None of these gets better by trying again.

CollectionError
    SessionNotFound    no such session for whoever asks (also for a wrong token: an id is no key)
        SessionExpired it was theirs, and has ended by time
    NotAsked           the collection was asked for before the authentication
    RunOver            the session has ended; the person has to start a new one
    NotStopped         the run is under way, waits for its phone, or has ended: there is nothing to resume
    UnreadableRun      what its row keeps sealed is damaged
"""


class CollectionError(Exception):
    retryable = False


class SessionNotFound(CollectionError):
    pass


class SessionExpired(SessionNotFound):
    pass


class NotAsked(CollectionError):
    pass


class RunOver(CollectionError):
    pass


class NotStopped(CollectionError):
    pass


class UnreadableRun(CollectionError):
    pass
