import numpy as np
import pytest

from sneakynet.anatomy.ignored import ignored


@pytest.mark.parametrize(("dtype", "label"), [(np.uint8, 255), (np.int16, 32767), (np.uint16, 65535)])
def test_the_highest_of_the_type(dtype, label):
    assert ignored(np.dtype(dtype)) == label
    assert np.array([label], dtype=dtype)[0] == label
