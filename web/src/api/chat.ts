import type { AskEvent, ModerationMark, Resources } from './types';
import { ApiError, failureKind, post } from './client';
import { readEvents } from './sse';

export interface ChatTurn {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

interface Usage {
  prompt_tokens?: number;
  completion_tokens?: number;
  prompt_tokens_details?: { cached_tokens?: number };
}

interface ChatChunk {
  model?: string;
  choices?: { delta?: { content?: string | null }; finish_reason?: string | null }[];
  usage?: Usage | null;
  onmal?: { resources?: Resources; moderation?: ModerationMark[]; prompt_moderation?: ModerationMark[] };
  error?: { message?: string; code?: string };
}

export interface ChatEnd {
  model?: string;
  finish: string;
  resources: Resources;
  moderation: ModerationMark[];
  promptModeration: ModerationMark[];
}

export interface ChatRequest {
  model: string;
  messages: ChatTurn[];
  temperature: number;
  maxTokens: number;
}

/** Streams an answer; gives what the last chunks say. A stream that breaks off is an error. */
export async function streamChat(wanted: ChatRequest, signal: AbortSignal, onText: (text: string) => void): Promise<ChatEnd> {
  const response = await post(
    '/v1/chat/completions',
    {
      ...(wanted.model ? { model: wanted.model } : {}),
      messages: wanted.messages,
      temperature: wanted.temperature,
      max_tokens: wanted.maxTokens,
      stream: true,
      stream_options: { include_usage: true },
    },
    signal,
  );
  const end: ChatEnd = { finish: '', resources: {}, moderation: [], promptModeration: [] };
  for await (const chunk of readEvents<ChatChunk>(response)) takeChunk(chunk, end, onText);
  if (!end.finish) throw new ApiError('cut', 'the stream ended early');
  if (end.finish === 'content_filter') throw new ApiError('moderation', '');
  return end;
}

function takeChunk(chunk: ChatChunk, end: ChatEnd, onText: (text: string) => void): void {
  if (chunk.error) throw new ApiError(failureKind(500, chunk.error.code ?? ''), chunk.error.message ?? '');
  if (chunk.model) end.model = chunk.model;
  const choice = chunk.choices?.[0];
  if (choice?.delta?.content) onText(choice.delta.content);
  if (choice?.finish_reason) end.finish = choice.finish_reason;
  if (chunk.usage) Object.assign(end.resources, fromUsage(chunk.usage));
  if (chunk.onmal?.resources) Object.assign(end.resources, chunk.onmal.resources);
  if (chunk.onmal?.moderation) end.moderation = chunk.onmal.moderation;
  if (chunk.onmal?.prompt_moderation) end.promptModeration = chunk.onmal.prompt_moderation;
}

function fromUsage(usage: Usage): Resources {
  const cached = usage.prompt_tokens_details?.cached_tokens;
  return {
    ...(usage.prompt_tokens !== undefined ? { prompt_tokens: usage.prompt_tokens } : {}),
    ...(usage.completion_tokens !== undefined ? { completion_tokens: usage.completion_tokens } : {}),
    ...(cached !== undefined ? { cached_tokens: cached } : {}),
  };
}

export interface AskRequest {
  question: string;
  collection: string;
  model: string;
  history: ChatTurn[];
  maxTokens: number;
}

/** A question to documents: hands every event on; an `error` event is thrown. */
export async function streamAsk(wanted: AskRequest, signal: AbortSignal, onEvent: (event: AskEvent) => void): Promise<void> {
  const response = await post(
    '/api/ask',
    {
      question: wanted.question,
      ...(wanted.collection ? { collection: wanted.collection } : {}),
      ...(wanted.model ? { model: wanted.model } : {}),
      history: wanted.history,
      max_tokens: wanted.maxTokens,
    },
    signal,
  );
  let answered = false;
  for await (const event of readEvents<AskEvent>(response)) {
    if (event.type === 'error') throw new ApiError(failureKind(500, event.code ?? ''), event.message);
    answered ||= event.type === 'answer';
    onEvent(event);
  }
  if (!answered) throw new ApiError('cut', 'the stream ended early');
}
