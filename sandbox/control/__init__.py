"""The door of the control plane: `/_sandbox`, what steers a sandbox."""
