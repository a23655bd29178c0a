"""How much of what names people the masker takes out, and what it takes out besides: on a corpus made for it."""
