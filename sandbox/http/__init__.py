"""What every door shares: sandbox routing, problems, the auth guard, strict bodies, paging, idempotent orders."""
