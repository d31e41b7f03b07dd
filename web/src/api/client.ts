import { getSettings } from '../state/settings';
import { parseJson } from './sse';

/** `kind` chooses the plain words that are shown; `message` is what the server said. */
export type FailureKind =
  | 'offline'
  | 'key'
  | 'forbidden'
  | 'missing'
  | 'too_long'
  | 'too_large'
  | 'busy'
  | 'moderation'
  | 'invalid'
  | 'server'
  | 'cut';

export class ApiError extends Error {
  readonly kind: FailureKind;
  readonly retryAfter: number | undefined;
  constructor(kind: FailureKind, message: string, retryAfter?: number) {
    super(message);
    this.kind = kind;
    this.retryAfter = retryAfter;
  }
}

export function failureKind(status: number, code: string): FailureKind {
  if (/context_length|too_long/.test(code)) return 'too_long';
  if (/content_filter|moderation/.test(code)) return 'moderation';
  if (status === 401) return 'key';
  if (status === 403) return 'forbidden';
  if (status === 404) return 'missing';
  if (status === 413) return 'too_large';
  if (status === 429 || status === 503) return 'busy';
  if (status >= 500) return 'server';
  return 'invalid';
}

interface ErrorBody {
  error?: { message?: string; code?: string | null };
}

export function errorFrom(status: number, body: string, retryAfter: string | null): ApiError {
  const error = parseJson<ErrorBody>(body)?.error;
  const seconds = Number(retryAfter);
  return new ApiError(
    failureKind(status, String(error?.code ?? '')),
    error?.message ?? `HTTP ${status}`,
    retryAfter && Number.isFinite(seconds) ? seconds : undefined,
  );
}

export function authorization(): Record<string, string> {
  const key = getSettings().key;
  return key ? { Authorization: `Bearer ${key}` } : {};
}

export async function request(path: string, options: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { ...options, headers: { ...authorization(), ...options.headers } });
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiError('offline', String(error));
  }
  if (response.ok) return response;
  throw errorFrom(response.status, await response.text(), response.headers.get('Retry-After'));
}

export async function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await (await request(path, signal ? { signal } : {})).json()) as T;
}

export function post(path: string, body: unknown, signal?: AbortSignal): Promise<Response> {
  return request(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
    ...(signal ? { signal } : {}),
  });
}

export async function postJson<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  return (await (await post(path, body, signal)).json()) as T;
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

export function asApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError('cut', String(error));
}
