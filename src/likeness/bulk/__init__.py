"""Making faces by the million: inputs streamed, results in shards, nothing lost or doubled whatever is killed."""
