"""`python -m tests.e2e.braked`: the whole service with the braked worker."""

import sys

from api import serve

serve.CELERY[-1] = "tests.e2e.slow_worker"

if __name__ == "__main__":
    sys.exit(serve.serve())
