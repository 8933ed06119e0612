"""Private PostgreSQL, Redis and S3 servers on free ports, for as long as those who test need them."""
