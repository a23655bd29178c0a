"""Many sockets, for long, cut at random: is every event delivered exactly once, and does the memory stay flat?"""
