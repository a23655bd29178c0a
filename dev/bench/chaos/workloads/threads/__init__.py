"""The threads' workload: members who push, push again and read, and readers who never leave."""
