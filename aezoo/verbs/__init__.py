"""What Python and the command line both call."""
