"""How records come in and what people decide about them: batches, imports, requests, revisions, retractions."""
