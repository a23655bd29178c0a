"""A small data centre on one machine: hosts with addresses of their own, whose links can be cut, slowed and healed."""
