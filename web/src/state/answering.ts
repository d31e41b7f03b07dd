// Asking, stopping, editing and asking again. One answer is written at a time in each conversation.
import type { AskEvent, ModerationMark } from '../api/types';
import { streamAsk, streamChat } from '../api/chat';
import { asApiError, isAbort } from '../api/client';
import { translate } from '../i18n';
import type { Conversation, Message, StepState } from './conversations';
import { changeConversation, changeMessage, conversations, newId, saveConversations, titleOf } from './conversations';
import { announce } from './session';
import { getSettings } from './settings';
import { turnsOf } from './turns';

const running = new Map<string, AbortController>(); // by conversation

export function stopAnswer(conversation: string): void {
  running.get(conversation)?.abort();
}

/** A new question; with `replaces`, everything from that message on is replaced by it. */
export async function ask(conversation: string, text: string, replaces?: string): Promise<void> {
  const question = text.trim();
  if (!question || running.has(conversation)) return;
  const user: Message = { id: newId(), role: 'user', text: question, state: 'done' };
  changeConversation(conversation, (entry) => {
    const at = replaces ? entry.messages.findIndex((message) => message.id === replaces) : -1;
    const kept = at >= 0 ? entry.messages.slice(0, at) : entry.messages;
    return { ...entry, title: kept.length > 0 ? entry.title : titleOf(question), messages: [...kept, user] };
  });
  await answerLast(conversation);
}

/** Drops an answer and what follows it, and asks for another one. */
export async function retry(conversation: string, answer: string): Promise<void> {
  if (running.has(conversation)) return;
  changeConversation(conversation, (entry) => {
    const at = entry.messages.findIndex((message) => message.id === answer);
    return at < 0 ? entry : { ...entry, messages: entry.messages.slice(0, at) };
  });
  await answerLast(conversation);
}

async function answerLast(id: string): Promise<void> {
  const entry = conversations.get().list.find((candidate) => candidate.id === id);
  const last = entry?.messages[entry.messages.length - 1];
  if (!entry || last?.role !== 'user') return;
  const answer: Message = {
    id: newId(),
    role: 'assistant',
    text: '',
    state: 'writing',
    ...(entry.collection !== null ? { grounded: true, collection: entry.collection, steps: [] } : {}),
  };
  changeConversation(id, (current) => ({ ...current, changed: Date.now(), messages: [...current.messages, answer] }));
  const control = new AbortController();
  running.set(id, control);
  const change = (how: (message: Message) => Message) => changeMessage(id, answer.id, how);
  try {
    if (entry.collection === null) await writeChat(entry, control.signal, change);
    else await writeGrounded(entry, last.text, control.signal, change);
  } catch (error) {
    end(error, change);
  } finally {
    running.delete(id);
    saveConversations();
  }
}

type Change = (how: (message: Message) => Message) => void;

/** Text is shown once a frame, however many pieces come. */
function collectText(change: Change): { add: (text: string) => void; flush: () => void } {
  let waiting = '';
  let frame = 0;
  const flush = () => {
    cancelAnimationFrame(frame);
    frame = 0;
    const piece = waiting;
    waiting = '';
    if (piece) change((message) => ({ ...message, text: message.text + piece }));
  };
  const add = (text: string) => {
    waiting += text;
    // A page in the background draws no frames, but its text must not wait.
    if (document.hidden) flush();
    else frame ||= requestAnimationFrame(flush);
  };
  return { add, flush };
}

async function writeChat(entry: Conversation, signal: AbortSignal, change: Change): Promise<void> {
  const { model, temperature, maxTokens, system } = getSettings();
  const messages = turnsOf(entry.messages);
  if (system.trim()) messages.unshift({ role: 'system', content: system.trim() });
  const text = collectText(change);
  try {
    const result = await streamChat({ model, messages, temperature, maxTokens }, signal, text.add);
    text.flush();
    change((message) => ({
      ...message,
      state: 'done',
      cut: result.finish === 'length',
      resources: result.resources,
      moderation: result.moderation,
      ...(result.model ? { model: result.model } : {}),
    }));
    markQuestion(entry, result.promptModeration);
    announceEnd(entry.id);
  } finally {
    text.flush();
  }
}

function markQuestion(entry: Conversation, marks: ModerationMark[] | undefined): void {
  const question = entry.messages[entry.messages.length - 1];
  if (question && marks && marks.length > 0)
    changeMessage(entry.id, question.id, (message) => ({ ...message, moderation: marks }));
}

async function writeGrounded(entry: Conversation, question: string, signal: AbortSignal, change: Change): Promise<void> {
  const { model, maxTokens } = getSettings();
  const history = turnsOf(entry.messages).slice(0, -1);
  const text = collectText(change);
  const take = (event: AskEvent) => {
    if (event.type === 'delta') text.add(event.text);
    else {
      text.flush();
      change((message) => takeEvent(message, event));
      if (event.type === 'answer') markQuestion(entry, event.prompt_moderation);
    }
  };
  try {
    await streamAsk({ question, collection: entry.collection ?? '', model, history, maxTokens }, signal, take);
    announceEnd(entry.id);
  } finally {
    text.flush();
  }
}

function takeEvent(message: Message, event: AskEvent): Message {
  switch (event.type) {
    case 'step':
      return { ...message, steps: withStep(message.steps ?? [], event) };
    case 'passages':
      return { ...message, passages: event.passages };
    case 'answer':
      return {
        ...message,
        state: 'done',
        text: event.text,
        citations: event.citations,
        answered: event.answered,
        ...(event.model ? { model: event.model } : {}),
        ...(event.confidence !== undefined ? { confidence: event.confidence } : {}),
        ...(event.moderation ? { moderation: event.moderation } : {}),
        ...(event.resources ? { resources: event.resources } : {}),
      };
    default:
      return message;
  }
}

function withStep(steps: StepState[], event: Extract<AskEvent, { type: 'step' }>): StepState[] {
  const before = steps.find((entry) => entry.step === event.step);
  const detail = event.detail ?? before?.detail;
  const next: StepState = {
    step: event.step,
    state: event.state,
    ...(event.seconds !== undefined ? { seconds: event.seconds } : {}),
    ...(detail ? { detail } : {}),
  };
  return before ? steps.map((entry) => (entry === before ? next : entry)) : [...steps, next];
}

function announceEnd(id: string): void {
  const entry = conversations.get().list.find((candidate) => candidate.id === id);
  const text = entry?.messages[entry.messages.length - 1]?.text ?? '';
  announce(`${translate('answer_finished')} ${text.slice(0, 600)}`);
}

function end(error: unknown, change: Change): void {
  if (isAbort(error)) {
    change((message) => ({ ...message, state: 'stopped' }));
    announce(translate('answer_stopped'));
    return;
  }
  const { kind, message: said, retryAfter } = asApiError(error);
  const failure = { kind, message: said, ...(retryAfter !== undefined ? { retryAfter } : {}) };
  change((message) => ({ ...message, state: 'failed', failure })); // its note is an alert by itself
}
