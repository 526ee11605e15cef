"""Names to parts, through installed plugins. Torch-free."""
