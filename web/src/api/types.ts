// What the server sends. Offsets are bytes of UTF-8 unless said otherwise.

export interface ModelInfo {
  id: string;
  kind: 'chat' | 'embedding' | 'classifier';
  context?: number;
}

export interface Info {
  name: string;
  version: string;
  models: ModelInfo[];
  features: { knowledge?: boolean; moderation?: boolean; attention?: boolean };
  language?: string;
}

export type JoulesSource = 'measured' | 'estimated' | 'unknown';

// Of one request; what the server does not know is missing.
export interface Resources {
  prompt_tokens?: number;
  cached_tokens?: number;
  completion_tokens?: number;
  syllables?: number;
  prefill_seconds?: number;
  decode_seconds?: number;
  retrieval_seconds?: number;
  moderation_seconds?: number;
  syllables_per_s?: number;
  joules?: number | { value: number; source?: JoulesSource };
  joules_source?: JoulesSource;
  peak_memory_bytes?: number;
  cost?: number | { value: number; currency?: string };
}

export interface ResourceTotals {
  total: Resources & { requests?: number };
  since?: string | number;
}

export interface ModerationMark {
  category: string;
  score: number;
  action?: string;
  spans: [number, number][];
}

export interface Passage {
  id: number | string;
  source: string;
  title?: string;
  page?: number;
  text: string;
  score?: number;
  start?: number;
  end?: number;
  before?: string;
  after?: string;
}

export interface Citation {
  id: number;
  passage: number | string;
  source: string;
  page?: number;
  quote: string;
  answer_start: number;
  answer_end: number;
  supported: boolean;
}

export const STEPS = ['prompt', 'search', 'passages', 'context', 'answer'] as const;
export type StepName = (typeof STEPS)[number];

export interface StepDetail {
  query?: string;
  hits?: number;
  tokens?: number;
}

export type AskEvent =
  | { type: 'step'; step: StepName; state: 'begin' | 'end'; seconds?: number; detail?: StepDetail }
  | { type: 'passages'; passages: Passage[] }
  | { type: 'delta'; text: string }
  | {
      type: 'answer';
      text: string;
      model?: string;
      answered: boolean;
      confidence?: number;
      citations: Citation[];
      moderation?: ModerationMark[];
      prompt_moderation?: ModerationMark[];
      resources?: Resources;
    }
  | { type: 'error'; message: string; code?: string };

export interface Collection {
  name: string;
  documents?: number;
}

export interface DocumentEntry {
  id: number | string;
  file: string;
  passages?: number;
  characters?: number;
}

export type UploadEvent =
  | { type: 'progress'; file: string; done_bytes: number; total_bytes: number }
  | ({ type: 'document' } & DocumentEntry)
  | { type: 'refused'; file: string; reason: string };

export interface AttentionMap {
  pieces: string[];
  layers: number;
  heads: number;
  weights: number[][][][]; // [layer][head][query][key]
}

export interface TokenList {
  tokens: { id: number; text: string; start: number; end: number }[];
  bytes: number;
  characters: number;
  syllables: number;
}

export interface Candidates {
  candidates: { id: number; text: string; logit: number }[];
  vocabulary: number;
}

export interface WordMap {
  points: { word: string; x: number; y: number; language: string }[];
}
