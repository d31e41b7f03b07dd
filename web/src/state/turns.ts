import type { ChatTurn } from '../api/chat';
import type { Message } from './conversations';

/** What the model is told of a conversation: turns alternate, a question without an answer is left out unless it is the last. */
export function turnsOf(messages: readonly Message[]): ChatTurn[] {
  const turns: ChatTurn[] = [];
  for (const message of messages) {
    const usable = message.text !== '' && message.state !== 'failed';
    if (message.role === 'assistant' && !usable) {
      if (turns[turns.length - 1]?.role === 'user') turns.pop();
    } else {
      turns.push({ role: message.role, content: message.text });
    }
  }
  return turns;
}
