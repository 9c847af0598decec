"""The endpoints that projects register: the resource behind `/webhooks`."""
