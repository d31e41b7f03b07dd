import { useText } from '../i18n';
import { failureWords } from '../i18n/failures';
import type { Failure } from '../state/conversations';

export function FailureNote({ failure, onRetry }: { failure: Failure; onRetry?: () => void }) {
  const t = useText();
  const { what, todo } = failureWords(failure);
  return (
    <div class="failure" role="alert">
      <p>
        <strong>{what}</strong> {todo}
      </p>
      {failure.message && (
        <details>
          <summary>{t('details')}</summary>
          <p class="failure-said">{failure.message}</p>
        </details>
      )}
      {onRetry && (
        <button type="button" class="button" onClick={onRetry}>
          {t('try_again')}
        </button>
      )}
    </div>
  );
}
