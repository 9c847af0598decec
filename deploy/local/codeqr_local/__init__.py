"""The local stack: real engines and all services as ordinary processes under one supervisor."""
