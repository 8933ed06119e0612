"""The worker: takes jobs from the queue, runs the pipeline, stores results and tells the webhook."""
