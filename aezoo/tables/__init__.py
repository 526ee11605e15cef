"""Methods side by side: the half of a comparison that runs nothing."""
