"""What people read in a browser: the API documentation and what each problem means. No rule of a bank stands here."""
