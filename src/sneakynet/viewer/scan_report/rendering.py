"""Draws triangles with VTK, in a process of its own: without OpenGL, VTK ends the process that it runs in.

``python -m sneakynet.viewer.scan_report.rendering SCENE PICTURES`` reads one ``.npz`` file and writes another.
"""

import sys
from pathlib import Path

import numpy as np
import vtkmodules.vtkRenderingOpenGL2  # noqa: F401 - registers the renderer
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkLogger
from vtkmodules.vtkRenderingCore import (
    vtkActor,
    vtkLightKit,
    vtkPolyDataMapper,
    vtkRenderer,
    vtkRenderWindow,
    vtkWindowToImageFilter,
)

from sneakynet.phantom.surface import Surface, to_vtk

_FINER = 2  # times the picture's edge, for smooth outlines


def main(scene: Path, pictures: Path) -> None:
    """Draw a scene from some sides.

    Args:
        scene: ``vertices`` (mm), ``faces``, ``normals``, ``colors`` (0 to 255, per vertex), ``towards`` (for each
            picture a unit vector from the middle to the eye), ``sizes`` (pixels, width and height), ``pixel`` (mm).
        pictures: the file to write: RGBA, rows from the top, by number of the picture.
    """
    vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_OFF)
    with np.load(scene) as given:
        values = dict(given)
    data = to_vtk(Surface(values["vertices"], values["faces"]))
    data.GetPointData().SetNormals(numpy_to_vtk(values["normals"].astype(np.float32), deep=True))
    data.GetPointData().SetScalars(numpy_to_vtk(values["colors"], deep=True))
    mapper, actor, renderer, window = vtkPolyDataMapper(), vtkActor(), vtkRenderer(), vtkRenderWindow()
    mapper.SetInputData(data)
    actor.SetMapper(mapper)
    finish = actor.GetProperty()
    finish.SetAmbient(0.12)
    finish.SetDiffuse(0.88)
    finish.SetSpecular(0.12)
    finish.SetSpecularPower(18)
    renderer.AddActor(actor)
    renderer.SetBackgroundAlpha(0.0)
    lights = vtkLightKit()
    lights.SetKeyLightIntensity(0.95)
    lights.SetKeyLightWarmth(0.55)
    lights.AddLightsToRenderer(renderer)
    window.SetOffScreenRendering(1)
    window.SetAlphaBitPlanes(1)
    window.SetMultiSamples(0)
    window.AddRenderer(renderer)
    drawn = [
        _drawn(renderer, window, towards=towards, size=size, pixel=float(values["pixel"]))
        for towards, size in zip(values["towards"], values["sizes"], strict=True)
    ]
    np.savez(pictures, *drawn)


def _drawn(
    renderer: vtkRenderer, window: vtkRenderWindow, *, towards: np.ndarray, size: np.ndarray, pixel: float
) -> np.ndarray:
    wide, high = (int(n) * _FINER for n in size)
    window.SetSize(wide, high)
    bounds = np.array(renderer.ComputeVisiblePropBounds()).reshape(3, 2)
    middle, reach = bounds.mean(axis=1), float(np.ptp(bounds, axis=1).max())
    camera = renderer.GetActiveCamera()
    camera.ParallelProjectionOn()
    camera.SetFocalPoint(*middle)
    camera.SetPosition(*(middle + 3 * reach * towards))
    camera.SetViewUp(0, 0, 1)
    camera.SetParallelScale(pixel * size[1] / 2)
    renderer.ResetCameraClippingRange()
    window.Render()
    image = vtkWindowToImageFilter()
    image.SetInput(window)
    image.SetInputBufferTypeToRGBA()
    image.ReadFrontBufferOff()
    image.Update()
    fine = vtk_to_numpy(image.GetOutput().GetPointData().GetScalars()).reshape(high, wide, 4)[::-1]
    # Colours weighed by their alpha, so that outlines do not darken.
    parts = fine.reshape(size[1], _FINER, size[0], _FINER, 4).astype(np.float32)
    alpha = parts[..., 3:]
    whole = alpha.sum(axis=(1, 3))
    color = (parts[..., :3] * alpha).sum(axis=(1, 3)) / np.maximum(whole, 1)
    picture: np.ndarray = np.concatenate([color, whole / _FINER**2], axis=-1).round().astype(np.uint8)
    return picture


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
