"""Cut a scan file from a phantom: ``python -m inference.write_scan PHANTOM SPACING I J K OUT``."""

import sys
from pathlib import Path

import numpy as np

from inference.scans import phantom_voxels
from sneakynet.volumes.volume import Volume
from sneakynet.volumes.write import write_scan

if __name__ == "__main__":
    i, j, k = (int(edge) for edge in sys.argv[3:6])
    affine = np.diag([float(sys.argv[2])] * 3 + [1.0])
    write_scan(Path(sys.argv[6]), Volume(phantom_voxels(Path(sys.argv[1]), (i, j, k)), affine))
