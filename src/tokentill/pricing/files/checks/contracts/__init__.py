"""Whether contracts make sense: from recordings to findings, one function a rule."""
