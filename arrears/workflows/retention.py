"""The retention sweep: once a day everybody's data are brought into the state that the retention rule wants. It counts, and names nobody."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from arrears.domain.orders import Activity
    from arrears.domain.retention import SweepOrder, SweepReport
    from arrears.workflows.policies import LEDGER_RETRIES, MISSED_AFTER

SWEEP_TYPE = "RetentionSweep"
_ONE_RUN = timedelta(minutes=10)


@workflow.defn(name=SWEEP_TYPE)
class RetentionSweep:
    """Goes through all people, some thousands at a time; the input is what an earlier part of the same sweep has done."""

    @workflow.run
    async def run(self, so_far: SweepReport | None = None) -> SweepReport:
        """What became of the data of all people together."""
        done = so_far or SweepReport(last="")
        while done.last is not None:
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(done)
            report = await workflow.execute_activity(
                Activity.SWEEP_RETENTION,
                SweepOrder(after=done.last),
                result_type=SweepReport,
                start_to_close_timeout=_ONE_RUN,
                heartbeat_timeout=MISSED_AFTER,
                retry_policy=LEDGER_RETRIES,
            )
            done = done.and_then(report)
        return done
