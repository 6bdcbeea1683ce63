import { useEffect, useRef, useState } from 'preact/hooks';
import { type ApiError, asApiError } from '../api/client';
import { ended } from '../api/session';
import { signIn } from '../api/signin';
import { seconds } from '../format';
import { t } from '../lang';
import { Brand } from '../parts/icon';
import { LanguageSwitch, ThemeSwitch } from '../shell/topbar';

/** Stands in place of any page while nobody is signed in; the address stays, so that signing in leads to where one wanted to be. */
export function SignIn() {
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();
  const secret = useRef<HTMLInputElement>(null);

  useEffect(() => {
    document.title = `${t('signin.title')} · Kanrin`;
  });

  const submit = async () => {
    if (busy) return;
    setBusy(true);
    setError(undefined);
    try {
      await signIn(user.trim(), password);
    } catch (failure) {
      setError(asApiError(failure));
      setPassword('');
      secret.current?.focus();
      setBusy(false);
    }
  };
  return (
    <div class="signin">
      <main id="main">
        <form
          onSubmit={(e) => {
            e.preventDefault();
            void submit();
          }}
        >
          <h1>
            <Brand /> Kanrin
          </h1>
          <p class="sub">{ended.value ? t('signin.ended') : t('signin.sub')}</p>
          {error && (
            <p class="notice crit" role="alert">
              {reason(error)}
            </p>
          )}
          <div class="field">
            <label for="user">{t('signin.user')}</label>
            <input id="user" name="username" autocomplete="username" autocapitalize="off" spellcheck={false} required autofocus value={user} onInput={(e) => setUser(e.currentTarget.value)} />
          </div>
          <div class="field">
            <label for="password">{t('signin.password')}</label>
            <input id="password" name="password" ref={secret} type="password" autocomplete="current-password" required value={password} onInput={(e) => setPassword(e.currentTarget.value)} />
          </div>
          <button type="submit" class="btn primary" aria-busy={busy || undefined}>
            {t('signin.do')}
          </button>
          <p class="hint">{t('signin.hint')}</p>
        </form>
        <div class="signin-foot">
          <LanguageSwitch />
          <ThemeSwitch />
        </div>
      </main>
    </div>
  );
}

function reason(error: ApiError): string {
  if (error.code === 401) return t('signin.wrong');
  if (error.code === 429) return t('signin.tooMany', { t: seconds(error.retryAfter || 60) });
  if (error.code === 0) return t('error.Unreachable');
  return error.message;
}
