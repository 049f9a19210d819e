"""One network for any mix of conditions; see README.md."""
