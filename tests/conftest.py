"""What all tests share: quiet progress bars, and the notebook that needs the paper's pictures."""

import os

import hypothesis
import pytest

# Bars go to standard error, which would become part of a notebook's output. Kernels inherit this.
os.environ.setdefault("TQDM_DISABLE", "1")

# Tests and kernels run side by side: threads of BLAS on top would wait for each other. Before anything imports NumPy.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

# How long an example takes says more about the machine than about the code.
hypothesis.settings.register_profile("book", deadline=None)
hypothesis.settings.load_profile("book")


def pytest_collection_modifyitems(items):
    """Stored outputs come from the paper's pictures: skip the notebook that uses them where there are none."""
    users = [item for item in items if item.path.name == "07-images.ipynb"]
    if not users:
        return
    from weep.companion.data import paper_images_available

    if not paper_images_available():
        reason = "mandril and barbara are neither in the cache folder nor downloadable"
        for item in users:
            item.add_marker(pytest.mark.skip(reason=reason))
