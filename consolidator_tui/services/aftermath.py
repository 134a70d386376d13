"""After the target is in place: configuration, clean up, roll back, and the receipt."""

from __future__ import annotations

from pathlib import Path

from consolidator_tui.domain.errors import GateClosed
from consolidator_tui.services.report import Receipt, write_report
from consolidator_tui.services.stepping import Stepping


class Aftermath(Stepping):
    """The part of a session that follows promotion."""

    async def write_report(self) -> Path:
        """Write the receipt into the run's folder and return its path (Markdown).

        Raises GateClosed before there is a plan.
        """
        run, chosen = self.need_run(), self.need_chosen()
        if self.plan is None or self.result is None:
            raise GateClosed("There is nothing to report yet.", todo="Migrate first.")
        receipt = Receipt(
            project=self.project,
            run=run.name,
            target=chosen.target,
            state=self._state_sentence(chosen.target),
            plan=self.plan,
            counts=self.result.counts,
            manifest=self.need_manifest(),
            verification=self.verification,
            messages=self.log.messages,
        )
        with self.explained("The receipt"):
            return await write_report(run, receipt)

    def _state_sentence(self, target: str) -> str:
        if self.state.promoted:
            return f"{target} is the one database."
        if self.verification is not None and self.verification.ok:
            if self.unchanged:
                return f"{target} already held everything and was left as it is."
            return f"{target} was verified in staging and not put in place."
        return f"{target} was not changed."
