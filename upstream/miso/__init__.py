"""Client of MISO, which runs our workflows and chat agents: one class per app, since each app has a key of its own."""
