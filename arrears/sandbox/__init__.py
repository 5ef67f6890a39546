"""The outside world in a box: gateways, a mail server, a loan system and borrowers with a temperament. For the demo and the tests, never for people."""
