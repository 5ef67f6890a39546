"""What operators and the lender's machines do at the desk, as JSON routes: each says what it takes and lets ``api.operations`` do it."""

from arrears.api.desk_routes import agencies, approvals, cases, persons, tasks

routers = (cases.router, persons.router, approvals.router, tasks.router, agencies.router)
"""All of them, in the order in which they are asked."""
