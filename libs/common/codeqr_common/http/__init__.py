"""What every HTTP listener of ours has: the error envelope, request ids, body limits, internal calls."""
