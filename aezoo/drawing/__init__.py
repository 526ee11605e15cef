"""Pictures, and pictures as files."""
