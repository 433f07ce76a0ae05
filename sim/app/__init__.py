"""The viewer: a live tissue in the browser."""
