import { useRef, useState } from 'preact/hooks';
import { useText } from '../i18n';
import { announce } from '../state/session';

async function writeClipboard(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Pages over plain HTTP have no clipboard but this one.
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'visually-hidden';
  document.body.append(area);
  area.select();
  document.execCommand('copy');
  area.remove();
}

export function CopyButton({ text, className = 'text-button' }: { text: string; className?: string }) {
  const t = useText();
  const [copied, setCopied] = useState(false);
  const timer = useRef(0);
  const copy = () => {
    writeClipboard(text).then(
      () => {
        setCopied(true);
        announce(t('copied'));
        clearTimeout(timer.current);
        timer.current = window.setTimeout(() => setCopied(false), 2000);
      },
      () => undefined,
    );
  };
  return (
    <button type="button" class={className} onClick={copy}>
      {copied ? t('copied') : t('copy')}
    </button>
  );
}
