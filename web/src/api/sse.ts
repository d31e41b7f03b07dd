// Server-sent events from any cut of the stream: between lines, within a line, within a character.

export class SseParser {
  private decoder = new TextDecoder('utf-8');
  private rest = '';
  private data: string[] = [];
  private afterCarriageReturn = false;

  /** The data of every event that `chunk` completes, in order. */
  push(chunk: Uint8Array | string): string[] {
    return this.take(typeof chunk === 'string' ? chunk : this.decoder.decode(chunk, { stream: true }));
  }

  /** What stands when the stream ends without a last blank line. */
  end(): string[] {
    const events = this.take(this.decoder.decode() + '\n\n');
    this.rest = '';
    return events;
  }

  private take(text: string): string[] {
    const events: string[] = [];
    // A line ends with \n, \r\n or \r; \r\n may be cut in two.
    if (this.afterCarriageReturn && text.startsWith('\n')) text = text.slice(1);
    if (text !== '') this.afterCarriageReturn = text.endsWith('\r');
    const lines = (this.rest + text).split(/\r\n|\n|\r/);
    this.rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '') {
        if (this.data.length > 0) events.push(this.data.join('\n'));
        this.data = [];
      } else if (line.startsWith('data:')) {
        this.data.push(line.slice(line[5] === ' ' ? 6 : 5));
      }
    }
    return events;
  }
}

/** The JSON events of a response's body until "[DONE]"; events that are no JSON are passed over. */
export async function* readEvents<T>(response: Response): AsyncGenerator<T> {
  if (!response.body) return;
  const reader = response.body.getReader();
  const parser = new SseParser();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      for (const data of done ? parser.end() : parser.push(value)) {
        if (data === '[DONE]') return;
        const event = parseJson<T>(data);
        if (event !== undefined) yield event;
      }
      if (done) return;
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

export function parseJson<T>(text: string): T | undefined {
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}
