import { useText } from '../i18n';
import { info } from '../state/session';
import type { Language, Theme } from '../state/settings';
import { changeSettings, settings } from '../state/settings';
import { useStore } from '../state/store';
import { Choice, Slider } from '../ui/choice';
import { Dialog } from '../ui/dialog';

export function SettingsDialog({ onClose, onSaved }: { onClose: () => void; onSaved: () => void }) {
  const t = useText();
  const server = useStore(info);
  const { language, theme } = useStore(settings);
  const close = () => {
    onClose();
    onSaved(); // a new key may open what was closed
  };
  return (
    <Dialog title={t('settings')} onClose={close}>
      <form
        class="settings"
        onSubmit={(event) => {
          event.preventDefault();
          close();
        }}
      >
        <Choice<Language>
          label={t('settings_language')}
          value={language}
          onChange={(value) => changeSettings({ language: value })}
          options={[
            { value: 'ko', label: '한국어' },
            { value: 'en', label: 'English' },
          ]}
        />
        <Choice<Theme>
          label={t('settings_theme')}
          value={theme}
          onChange={(value) => changeSettings({ theme: value })}
          options={[
            { value: 'system', label: t('theme_system') },
            { value: 'light', label: t('theme_light') },
            { value: 'dark', label: t('theme_dark') },
          ]}
        />
        <ModelFields />
        <KeyField />
        {server && <p class="muted small">{t('settings_version', { name: server.name, version: server.version })}</p>}
      </form>
    </Dialog>
  );
}

function ModelFields() {
  const t = useText();
  const { model, temperature, maxTokens, system } = useStore(settings);
  const server = useStore(info);
  const names = (server?.models ?? []).filter((entry) => entry.kind === 'chat').map((entry) => entry.id);
  if (model && !names.includes(model)) names.push(model);
  return (
    <>
      <label class="field">
        <span>{t('settings_model')}</span>
        <select value={model} onChange={(event) => changeSettings({ model: event.currentTarget.value })}>
          <option value="">{t('settings_model_default')}</option>
          {names.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <div class="field">
        <Slider
          label={t('settings_temperature')}
          value={temperature}
          min={0}
          max={2}
          step={0.05}
          shown={temperature.toFixed(2)}
          onChange={(value) => changeSettings({ temperature: value })}
        />
        <p class="muted small">{t('settings_temperature_note')}</p>
      </div>
      <label class="field">
        <span>{t('settings_max_tokens')}</span>
        <input
          type="number"
          min={1}
          max={1048576}
          value={maxTokens}
          onChange={(event) => {
            const value = Math.floor(Number(event.currentTarget.value));
            if (value >= 1) changeSettings({ maxTokens: value });
            else event.currentTarget.value = String(maxTokens);
          }}
        />
      </label>
      <label class="field">
        <span>{t('settings_system')}</span>
        <textarea rows={3} value={system} onChange={(event) => changeSettings({ system: event.currentTarget.value })} />
        <span class="muted small">{t('settings_system_note')}</span>
      </label>
    </>
  );
}

function KeyField() {
  const t = useText();
  const { key } = useStore(settings);
  return (
    <label class="field">
      <span>{t('settings_key')}</span>
      <input
        type="password"
        autoComplete="off"
        spellcheck={false}
        value={key}
        onChange={(event) => changeSettings({ key: event.currentTarget.value.trim() })}
      />
      <span class="muted small">{t('settings_key_note')}</span>
    </label>
  );
}
