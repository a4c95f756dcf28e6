"""Brings NiiVue, which the viewer draws with, into a built package; without a network, the viewer fetches it."""

import importlib.util
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_BROWSER = Path("src", "sneakynet", "viewer", "browser")


class NiiVueHook(BuildHookInterface[Any]):
    """Adds the script to wheels. An editable install needs none: the viewer keeps it in the user's cache."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Fetch the script; a build without it is as good but for `sneakynet view` on machines without a network."""
        if self.target_name != "wheel" or version == "editable":
            return
        spec = importlib.util.spec_from_file_location("npm_package", Path(self.root, _BROWSER, "npm_package.py"))
        assert spec is not None
        assert spec.loader is not None
        npm_package = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(npm_package)
        script = Path(self.directory, npm_package.SCRIPT)
        try:
            content = npm_package.downloaded()
        except (OSError, ValueError) as error:
            self.app.display_warning(f"NiiVue is not in this build ({error}); `sneakynet view` will fetch it")
            return
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_bytes(content)
        build_data["force_include"][str(script)] = f"sneakynet/viewer/browser/web/{npm_package.SCRIPT}"
