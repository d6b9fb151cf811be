"""A job as scripts read it: what the command line prints and the API answers. Pure."""

import json
from datetime import datetime
from typing import Any

from shared.infrastructure.timestamps import timestamp
from shared.operations.job_progress import Job


def job_document(job: Job, now: datetime) -> dict[str, Any]:
    return {
        "id": job.id,
        "action": job.action,
        "note": job.note or None,
        "edit": job.change.names() if job.change else None,
        "account": job.accounts[0] if len(job.accounts) == 1 else None,
        "accounts": job.accounts,
        "by": job.by,
        "chosen": json.loads(job.chosen),
        "started_at": timestamp(job.started_at),
        "ended_at": timestamp(job.ended_at),
        "state": job.state,
        "why": job.obstacle,
        "total": job.total,
        "done": job.done,
        "delivered": job.delivered,
        "dead": job.dead,
        "skipped": job.skipped,
        "cancelled": job.cancelled,
        "refused": job.refused,
        "due": job.under_way,
        "waiting": job.waiting,
        "eta": timestamp(job.ends_about(now)),
    }
