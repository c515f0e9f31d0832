/** Mutants that nothing can notice, or nothing here is meant to, and why. */
export const CHART_SURVIVORS: Readonly<Record<string, string>> = {
  'gate.backingOff: after untilBackOffEnds, not reentered':
    'a pause or back-off is bounded to one timer, so its delay is never cut short',
  'gate.backingOff: after untilBackOffEnds, target open': 'the gate looks again in either state, in the same step',
  'gate.backingOff: always #0 and #1 exchanged': 'the guards exclude each other',
  'gate.full: after untilSlotFrees, target paused': 'the gate looks again in either state, in the same step',
  'gate.full: always, dropped': "the slot's own timer is due at the same moment",
  'gate.full: always, target paused': "the slot's own timer is due at the same moment",
  'gate.paused: after untilPauseEnds, not reentered':
    'a pause or back-off is bounded to one timer, so its delay is never cut short',
  'gate.paused: after untilPauseEnds, target open': 'the gate looks again in either state, in the same step',
  'gate.paused: always #0 and #1 exchanged': 'the guards exclude each other',
  'gate.paused: always #1 and #2 exchanged': 'both refusals are true; which is given first is not judged',
  'gate: *, guard bringsTime dropped':
    'an event without a time is a timer, which is on time, or the end of a request, whose outcome follows with the time',
  'tokens.resuming: always #1 and #2 exchanged': 'one latch at most, so the guards exclude each other',
  'tokens.resuming: always #2 and #3 exchanged': 'one latch at most, so the guards exclude each other',
  'tokens.resuming: always #3 and #4 exchanged':
    'a refused refresh and a failed create hold together only in a record that another process wrote so',
  'tokens.sending.creating: outcome.malformed, target #tokenLifecycle.tokens.resuming':
    '`resuming` routes there by the same facts, in the same step',
  'tokens.sending.creating: outcome.rejected, target #tokenLifecycle.tokens.resuming':
    '`resuming` routes there by the same facts, in the same step',
  'tokens.sending.creating: outcome.unauthorized, target #tokenLifecycle.tokens.resuming':
    '`resuming` routes there by the same facts, in the same step',
  'tokens.sending.creating: outcome.unavailable, target #tokenLifecycle.tokens.resuming':
    '`resuming` routes there by the same facts, in the same step',
  'tokens.sending.reCreating: outcome.malformed, target #tokenLifecycle.tokens.resuming':
    '`resuming` routes there by the same facts, in the same step',
  'tokens.sending.reCreating: outcome.rejected, target #tokenLifecycle.tokens.resuming':
    '`resuming` routes there by the same facts, in the same step',
  'tokens.sending.reCreating: outcome.unauthorized, target #tokenLifecycle.tokens.resuming':
    '`resuming` routes there by the same facts, in the same step',
  'tokens.sending.reCreating: outcome.unavailable, target #tokenLifecycle.tokens.resuming':
    '`resuming` routes there by the same facts, in the same step',
  'tokens.sending: outcome.granted, target resuming': '`resuming` routes there by the same facts, in the same step',
  'tokens.stale: always #0 and #1 exchanged': 'the guards exclude each other',
  'tokens.valid: after untilExpiry, not reentered':
    'where a delay is cut short at 24.8 days, so is the other, and either arms both again',
  'tokens.valid: after untilExpiry, target resuming': '`resuming` routes there by the same facts, in the same step',
  'tokens.valid: after untilRefreshDue, not reentered':
    'where a delay is cut short at 24.8 days, so is the other, and either arms both again',
  'tokens.valid: after untilRefreshDue, target resuming': '`resuming` routes there by the same facts, in the same step',
  'tokens.valid: always #1 and #2 exchanged': 'the guards exclude each other',
  'tokens.valid: always #1, target resuming': '`resuming` routes there by the same facts, in the same step',
  'tokens.valid: always #3 and #4 exchanged': 'the guards exclude each other',
  'tokens: operator.signOut, target .resuming': '`resuming` routes there by the same facts, in the same step',
}
