"""A store on a small file system of its own, which can be full, read-only or not answer."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path


def _run(*words):
    subprocess.run(words, check=True, capture_output=True, timeout=60)


class FileSystem:
    """ext4 in a file, mounted by a loop device."""

    def __init__(self, folder):
        self.folder, self.image = folder / "store", folder / "store.img"
        self.ballast, self.aside = self.folder / "ballast", folder / "aside"
        self.folder.mkdir()
        with open(self.image, "wb") as image:
            image.truncate(64 << 20)
        _run("mkfs.ext4", "-q", "-m", "0", str(self.image))
        _run("mount", "-o", "loop", str(self.image), str(self.folder))

    def fill(self, on):
        if not on:
            self.ballast.unlink(missing_ok=True)
            return
        with open(self.ballast, "wb", buffering=0) as file:
            for size in (1 << 20, 1 << 12):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError:
                    continue

    def make_read_only(self, on):
        # The mount itself stays writable while a run has a file of it open; one on top of it, made
        # read-only where nobody sees it, does not.
        if not on:
            _run("umount", "--lazy", str(self.folder))
            return
        self.aside.mkdir(exist_ok=True)
        _run("mount", "--bind", str(self.folder), str(self.aside))
        _run("mount", "-o", "remount,bind,ro", str(self.aside))
        _run("mount", "--bind", str(self.aside), str(self.folder))
        _run("umount", str(self.aside))
        if os.access(self.folder, os.W_OK):
            raise RuntimeError(f"{self.folder} can still be written")

    def freeze(self, on):
        _run("fsfreeze", "-f" if on else "-u", str(self.folder))

    def thaw(self):
        subprocess.run(["fsfreeze", "-u", str(self.folder)], capture_output=True, check=False)

    def close(self):
        self.thaw()
        for place in (self.folder, self.aside):
            while os.path.ismount(place):
                _run("umount", "--lazy", str(place))


def cannot_mount():
    """Why there can be none here; empty when there can."""
    if os.geteuid() != 0:
        return "needs root"
    missing = [each for each in ("mkfs.ext4", "mount", "fsfreeze") if shutil.which(each) is None]
    if missing:
        return f"needs {missing[0]}"
    with tempfile.TemporaryDirectory(prefix="mnp-mount-") as folder:
        try:
            system = FileSystem(Path(folder))
        except (subprocess.CalledProcessError, OSError) as error:
            return f"cannot mount a loop device: {error}"
        try:
            system.freeze(True)
            system.freeze(False)
        except subprocess.CalledProcessError as error:
            return f"cannot freeze a file system: {error}"
        finally:
            system.close()
    return ""
