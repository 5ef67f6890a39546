"""Clients of the outside world: sms, voice, in-app, email, agency, bureau, legal, loan system. Thin: no retry loops, no business rule."""
