"""One isolated bank and the house of them: images, state roots, read and write, forks and resets."""
