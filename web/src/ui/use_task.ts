import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { asApiError, isAbort } from '../api/client';
import type { Failure } from '../state/conversations';

export interface Task<T> {
  value: T | undefined;
  failure: Failure | undefined;
  running: boolean;
  run: (work: (signal: AbortSignal) => Promise<T>) => void;
}

export function failureOf(error: unknown): Failure {
  const { kind, message, retryAfter } = asApiError(error);
  return { kind, message, ...(retryAfter !== undefined ? { retryAfter } : {}) };
}

/** One request at a time: a new one, or the component's end, aborts the one before. */
export function useTask<T>(): Task<T> {
  const [state, setState] = useState<Omit<Task<T>, 'run'>>({ value: undefined, failure: undefined, running: false });
  const control = useRef<AbortController | null>(null);
  useEffect(() => () => control.current?.abort(), []);
  const run = useCallback((work: (signal: AbortSignal) => Promise<T>) => {
    control.current?.abort();
    const mine = new AbortController();
    control.current = mine;
    setState((before) => ({ ...before, failure: undefined, running: true }));
    work(mine.signal).then(
      (value) => {
        if (control.current === mine) setState({ value, failure: undefined, running: false });
      },
      (error: unknown) => {
        if (control.current !== mine || isAbort(error)) return;
        setState((before) => ({ ...before, failure: failureOf(error), running: false }));
      },
    );
  }, []);
  return { ...state, run };
}
