"""What a part is, and the model that parts make."""
