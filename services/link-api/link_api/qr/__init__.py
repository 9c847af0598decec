"""QR codes as pictures.

`parameters` reads what a caller wants, `service` answers from its cache or has it drawn by `pool`, whose processes run
`worker`. Drawing itself is `symbol` (which modules are dark), `shapes` (their outlines), `rasters` and `vectors`.
The worker's imports are kept small: it knows nothing of the rest of the link API.
"""
