"""A warning where another distribution in the environment has the name `matrixone`, too."""

import warnings
from importlib.metadata import PackageNotFoundError, distribution

OTHER = "matrixone-python-sdk"


def warn_of_name_clash() -> None:
    """Warn if the existing SDK is installed, too: whichever was installed last has replaced files of the other."""
    try:
        other = distribution(OTHER)
    except PackageNotFoundError:
        return
    warnings.warn(
        f"{OTHER} {other.version} is installed in this environment, too, and has a package of the same name, so that"
        f" files of both are mixed in one folder; uninstall both ('pip uninstall {OTHER} matrixone'), then install one",
        stacklevel=3,
    )
