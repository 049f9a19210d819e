"""Work in numbered pieces, each of them done exactly once, whatever is killed: by a pool of processes or by Ray."""
