"""What a score is made of: functions of sums over items, so that sums of pools give every mixture."""
