"""Clients of other people's APIs, one package each; what comes in is translated here, errors included."""
