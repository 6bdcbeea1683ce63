import { useState } from 'preact/hooks';
import { mergePatch, post, segment } from '../api/client';
import type { Role, User } from '../api/inventory';
import { t } from '../lang';
import { Dialog, Field } from '../parts/dialog';
import { Secret } from '../shell/me';
import { useOverview } from '../shell/overview';

const roles: readonly Role[] = ['Administrator', 'Operator', 'Editor', 'Viewer'];

export async function setDisabled(user: User, disabled: boolean): Promise<void> {
  await mergePatch(`/kanrin/v1/users/${segment(user.name)}`, { disabled });
}

export function AddUserDialog({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [given, setGiven] = useState<Record<string, Role>>({ '*': 'Viewer' });
  return (
    <Dialog
      title={t('users.add')}
      onClose={onClose}
      submit={{
        label: t('users.add'),
        why: name === '' || password === '' ? t('users.addMissing') : undefined,
        run: async () => {
          await post('/kanrin/v1/users', { name, password, roles: given });
          onClose();
        },
      }}
    >
      <Field label={t('list.name')}>
        {(id) => <input id={id} value={name} autocomplete="off" autocapitalize="off" spellcheck={false} onInput={(e) => setName(e.currentTarget.value.trim())} />}
      </Field>
      <Secret label={t('users.firstPassword')} hint={t('users.firstPasswordHint')} value={password} onInput={setPassword} autocomplete="new-password" />
      <RolePicker given={given} onChange={setGiven} />
    </Dialog>
  );
}

export function EditUserDialog({ user, onClose }: { user: User; onClose: () => void }) {
  const [given, setGiven] = useState<Record<string, Role>>({ ...user.roles });
  const [password, setPassword] = useState('');
  return (
    <Dialog
      title={t('users.editTitle', { name: user.name })}
      onClose={onClose}
      submit={{
        label: t('users.save'),
        run: async () => {
          await mergePatch(`/kanrin/v1/users/${segment(user.name)}`, { roles: given, ...(password !== '' && { password }) });
          onClose();
        },
      }}
    >
      <RolePicker given={given} onChange={setGiven} />
      <Secret label={t('users.newPassword')} hint={t('users.newPasswordHint')} value={password} onInput={setPassword} autocomplete="new-password" />
    </Dialog>
  );
}

/** One role for every cluster, and others for single ones. */
function RolePicker({ given, onChange }: { given: Record<string, Role>; onChange: (next: Record<string, Role>) => void }) {
  const clusters = useOverview().data?.clusters?.map((c) => c.name) ?? [];
  const places = ['*', ...new Set([...clusters, ...Object.keys(given).filter((c) => c !== '*')])];
  const set = (place: string, role: string) => {
    const next = { ...given };
    if (role === '') delete next[place];
    else next[place] = role as Role;
    onChange(next);
  };
  return (
    <fieldset class="roles">
      <legend>{t('users.roles')}</legend>
      {places.map((place) => (
        <Field key={place} label={place === '*' ? t('users.everyCluster') : place}>
          {(id) => (
            <select id={id} value={given[place] ?? ''} onChange={(e) => set(place, e.currentTarget.value)}>
              <option value="">{t('users.none')}</option>
              {roles.map((r) => (
                <option key={r} value={r}>
                  {t(`role.${r}`)}
                </option>
              ))}
            </select>
          )}
        </Field>
      ))}
      <p class="hint">{t('users.rolesHint')}</p>
    </fieldset>
  );
}
