"""The door of the bank plane: `/v1`, one module a resource; a controller holds no rule."""
