"""`python -m api`: the whole service on this machine, with no other server."""

import sys

from api.serve import serve

if __name__ == "__main__":
    sys.exit(serve())
