import { useState } from 'preact/hooks';
import { post, remove, segment } from '../api/client';
import { session } from '../api/session';
import { t } from '../lang';
import { Action } from '../parts/button';
import { Copyable, Dialog, Field, TypeName } from '../parts/dialog';
import { go, to } from '../route';

function whyNotAdministrator(verb: string): string | undefined {
  return session.value?.role === 'Administrator' ? undefined : t('access.missingAll', { verb, resource: 'clusters' });
}

export function AddClusterButton() {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Action kind="primary" why={whyNotAdministrator('create')} onClick={() => setOpen(true)}>
        {t('clusters.add')}
      </Action>
      {open && <AddClusterDialog onClose={() => setOpen(false)} />}
    </>
  );
}

/** Registers a cluster by its kubeconfig; what is wrong with it is said by name, and nothing half-registered stays. */
function AddClusterDialog({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const [kubeconfig, setKubeconfig] = useState('');
  const fits = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name);
  const why = name === '' || kubeconfig.trim() === '' ? t('clusters.addMissing') : fits ? undefined : t('clusters.addName');
  return (
    <Dialog
      title={t('clusters.add')}
      onClose={onClose}
      wide
      submit={{
        label: t('clusters.addDo'),
        why,
        run: async () => {
          await post('/kanrin/v1/clusters', { name, kubeconfig });
          onClose();
          go(to.cluster(name));
        },
      }}
    >
      <Field label={t('cluster.name')} hint={t('clusters.nameHint')}>
        {(id, hint) => <input id={id} aria-describedby={hint} value={name} spellcheck={false} autocapitalize="off" autocomplete="off" onInput={(e) => setName(e.currentTarget.value.trim())} />}
      </Field>
      <Field label="kubeconfig" hint={t('clusters.kubeconfigHint')}>
        {(id, hint) => <textarea id={id} aria-describedby={hint} rows={9} class="name" spellcheck={false} value={kubeconfig} onInput={(e) => setKubeconfig(e.currentTarget.value)} />}
      </Field>
      <p class="hint">{t('clusters.addCommand')}</p>
      <Copyable value="kubectl config view --minify --flatten --raw" />
    </Dialog>
  );
}

export function RemoveClusterButton({ name }: { name: string }) {
  const [open, setOpen] = useState(false);
  const [typed, setTyped] = useState('');
  return (
    <>
      <Action why={whyNotAdministrator('delete')} onClick={() => setOpen(true)}>
        {t('cluster.remove')}
      </Action>
      {open && (
        <Dialog
          title={t('cluster.removeTitle', { name })}
          onClose={() => setOpen(false)}
          submit={{
            label: t('cluster.removeDo'),
            kind: 'danger',
            why: typed.trim() === name ? undefined : t('approve.typeFirst', { name }),
            run: async () => {
              await remove(`/kanrin/v1/clusters/${segment(name)}`);
              setOpen(false);
              go(to.clusters());
            },
          }}
        >
          <p>{t('cluster.removeText')}</p>
          <TypeName name={name} value={typed} onInput={setTyped} />
        </Dialog>
      )}
    </>
  );
}
