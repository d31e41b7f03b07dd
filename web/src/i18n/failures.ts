import type { Failure } from '../state/conversations';
import type { Key } from './index';
import { translate } from './index';

/** What happened and what to do, in plain words. */
export function failureWords(failure: Failure): { what: string; todo: string } {
  const todo =
    failure.kind === 'busy' && failure.retryAfter !== undefined
      ? translate('failure_busy_todo_seconds', { n: Math.ceil(failure.retryAfter) })
      : translate(`failure_${failure.kind}_todo` as Key);
  return { what: translate(`failure_${failure.kind}` as Key), todo };
}
