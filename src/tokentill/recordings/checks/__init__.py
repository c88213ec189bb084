"""The checks over all files of a folder: one small function a rule, listed in `recordings.checking`."""
