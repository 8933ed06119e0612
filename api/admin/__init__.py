"""What operators do at the machine itself: `python -m api.admin`, or `rotomill admin`."""
