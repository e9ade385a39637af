"""The second study: predictions written before the runs that test them, and the tables of its page."""
