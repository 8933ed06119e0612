"""The database's history, applied by `python -m storage migrate` (Alembic)."""
