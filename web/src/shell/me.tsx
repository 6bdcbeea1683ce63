import { useState } from 'preact/hooks';
import type { Session } from '../api/inventory';
import { changePassword, signOut } from '../api/signin';
import { t, text } from '../lang';
import { Copyable, Dialog, Field } from '../parts/dialog';
import { Icon } from '../parts/icon';
import { Menu } from '../parts/menu';
import { Until } from '../parts/time';
import { forget } from '../live/reading';
import { to } from '../route';

type Open = 'password' | 'cli' | undefined;

export function Me({ session }: { session: Session }) {
  const [open, setOpen] = useState<Open>();
  const show = (what: Open, close: () => void) => () => {
    close();
    setOpen(what);
  };
  return (
    <>
      <Menu
        label={t('me.label', { user: session.user })}
        align="right"
        class="me"
        face={
          <>
            <Icon name="me" />
            <span class="who">{session.user}</span>
          </>
        }
      >
        {(close) => (
          <>
            <div class="who-card">
              <b>{session.user}</b>
              {session.role && <span>{text(`role.${session.role}`) ?? session.role}</span>}
              <small>
                {t('me.until')} <Until at={session.expires} />
              </small>
            </div>
            <ul>
              <li>
                <button type="button" onClick={show('password', close)}>
                  {t('me.password')}
                </button>
              </li>
              <li>
                <button type="button" onClick={show('cli', close)}>
                  {t('me.cli')}
                </button>
              </li>
              {session.role === 'Administrator' && (
                <li>
                  <a href={to.users()} onClick={close}>
                    {t('nav.users')}
                  </a>
                </li>
              )}
              <li class="rule">
                <button
                  type="button"
                  onClick={() => {
                    forget();
                    void signOut();
                  }}
                >
                  {t('me.signOut')}
                </button>
              </li>
            </ul>
          </>
        )}
      </Menu>
      {open === 'password' && <PasswordDialog onClose={() => setOpen(undefined)} />}
      {open === 'cli' && (
        <Dialog title={t('me.cli')} onClose={() => setOpen(undefined)}>
          <p>{t('me.cliText')}</p>
          <Copyable value={`kanrin login ${location.origin} --username ${session.user}`} />
          <p class="hint">{t('me.cliThen')}</p>
          <Copyable value="kubectl get operations -A" />
        </Dialog>
      )}
    </>
  );
}

function PasswordDialog({ onClose }: { onClose: () => void }) {
  const [old, setOld] = useState('');
  const [next, setNext] = useState('');
  const [again, setAgain] = useState('');
  const [done, setDone] = useState(false);
  if (done) {
    return (
      <Dialog title={t('me.password')} onClose={onClose}>
        <p>{t('me.passwordDone')}</p>
      </Dialog>
    );
  }
  const why = old === '' || next === '' ? t('me.passwordMissing') : next !== again ? t('me.passwordDiffers') : undefined;
  return (
    <Dialog
      title={t('me.password')}
      onClose={onClose}
      submit={{
        label: t('me.passwordChange'),
        why,
        run: async () => {
          await changePassword(old, next);
          setDone(true);
        },
      }}
    >
      <Secret label={t('me.passwordOld')} value={old} onInput={setOld} autocomplete="current-password" />
      <Secret label={t('me.passwordNew')} value={next} onInput={setNext} autocomplete="new-password" />
      <Secret label={t('me.passwordAgain')} value={again} onInput={setAgain} autocomplete="new-password" />
    </Dialog>
  );
}

export function Secret({ label, value, onInput, autocomplete, hint }: { label: string; value: string; onInput: (v: string) => void; autocomplete: 'current-password' | 'new-password'; hint?: string }) {
  return (
    <Field label={label} {...(hint ? { hint } : {})}>
      {(id, hintId) => (
        <input id={id} type="password" autocomplete={autocomplete} value={value} aria-describedby={hintId} onInput={(e) => onInput(e.currentTarget.value)} />
      )}
    </Field>
  );
}
