"""Proof by violence: the whole product under sessions that never stop coming, and a killer that never stops either."""
