"""What people write: files with their places, schemas, checks, loading, the lock and the cache."""
