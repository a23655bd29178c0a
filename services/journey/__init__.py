"""The patient's journey through the hospital.

Entry points, each given a `JourneyWork` (`work.Journeys` opens them: `run` in a transaction of its own, `open` within
one): `actions.perform_action`, `assist_patient`; `queueing.join_queue`, `delay_entry`, `prioritize_entry`,
`transfer_entry`; `calling.call_next`, `call_by_id`, `recall`, `undo_call`; `reading.read_snapshot`, `read_history`,
`read_entry`, `list_entries`; `notifications.list_notifications`, `read_notification`; `shifts.begin_shift`,
`end_shift`; `syncing.sync_from_queue_update`, `sync_from_patient_state`, `realign_journey`; `day_close.close_day`.
They raise `errors.JourneyError`, and those with a key `KeyOfAnotherCall` of `services.delivery.idempotency`.
"""
