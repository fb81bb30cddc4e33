"""The committed files of the project: what the tidy rules look at."""

import os
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CPP = (".cc", ".h")
TEXT = CPP + (".py", ".sh", ".cmake", ".txt", ".md", ".proto", ".yaml", ".yml", ".json", ".conf",
              ".xml", ".properties", ".in")
SKIPPED_FOLDERS = ("build", "__pycache__", "_deps")


def _from_git(root):
    command = ["git", "-C", root, "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        out = subprocess.run(command, check=True, capture_output=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return [name for name in out.decode().split("\0") if name]


def _from_disk(root):
    names = []
    for folder, below, files in os.walk(root):
        below[:] = [d for d in below
                    if d not in SKIPPED_FOLDERS and not d.startswith((".git", "build-"))]
        names += [os.path.relpath(os.path.join(folder, name), root) for name in files]
    return names


def files(root=ROOT):
    """Paths relative to the root, sorted: what git has or would take, else what is on disk."""
    names = _from_git(root) or _from_disk(root)
    return sorted(n for n in names if os.path.isfile(os.path.join(root, n)))


def is_text(path):
    name = os.path.basename(path)
    return name.endswith(TEXT) or "." not in name or path.startswith(".ci/")


def read(path, root=ROOT):
    """The text of a file, or None where it is no UTF-8 text (a corpus file, an image)."""
    try:
        with open(os.path.join(root, path), encoding="utf-8") as file:
            return file.read()
    except (UnicodeDecodeError, FileNotFoundError):
        return None
