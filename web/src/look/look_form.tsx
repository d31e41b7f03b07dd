import type { ComponentChildren } from 'preact';
import { useText } from '../i18n';

interface LookFormProps {
  label: string;
  value: string;
  onInput: (text: string) => void;
  onShow: () => void;
  running: boolean;
  children?: ComponentChildren;
}

export function LookForm({ label, value, onInput, onShow, running, children }: LookFormProps) {
  const t = useText();
  return (
    <form
      class="look-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (value.trim()) onShow();
      }}
    >
      <label class="field">
        <span>{label}</span>
        <textarea
          rows={2}
          maxLength={2000}
          value={value}
          onInput={(event) => onInput(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
            event.preventDefault();
            if (value.trim()) onShow();
          }}
        />
      </label>
      <div class="row">
        {children}
        <button type="submit" class="button button-main" disabled={running || !value.trim()}>
          {t('look_show')}
        </button>
      </div>
    </form>
  );
}
