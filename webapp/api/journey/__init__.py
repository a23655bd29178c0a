"""The patient's journey: logins, tags, actions, lines, live events; absent where WELNO_JOURNEY_V2 is false."""
