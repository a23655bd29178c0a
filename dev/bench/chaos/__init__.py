"""Fault injection in the way of Jepsen: a cluster, a nemesis that harms it, a workload whose clients never stop coming,
and checkers of the history that all of them leave.

The engine knows no domain. A workload says which clients come, what they record, and what must hold.
"""
