"""The studio: faces made live, over HTTP and a WebSocket. ``app.application`` makes the server, ``page/`` is what it shows.

It stands on the seam (:mod:`likeness.synthesizer`) and the rooms below it, and needs no torch. The API is docs/studio-api.md.
"""
