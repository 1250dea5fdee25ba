#!/usr/bin/env python
"""Django's command line. `manage.py up` runs the whole application on this machine."""

import os
import sys

from django.core.management import execute_from_command_line


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reviewapp.settings")
    if sys.argv[1:2] == ["up"]:
        from reviewapp.embedded import prepare

        prepare()  # settings need the secret before any command starts
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
