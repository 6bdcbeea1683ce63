import { useState } from 'preact/hooks';
import { session } from '../api/session';
import type { Page, User } from '../api/inventory';
import { remove, segment } from '../api/client';
import { text, t } from '../lang';
import type { Column } from '../list/columns';
import { List } from '../list/list';
import { useReading } from '../live/reading';
import { Action } from '../parts/button';
import { Dialog, TypeName } from '../parts/dialog';
import { Panel } from '../parts/facts';
import { Mark, Tag } from '../parts/mark';
import { PageHead } from '../parts/page';
import { Failure, Loading } from '../parts/states';
import { Ago } from '../parts/time';
import { AddUserDialog, EditUserDialog, setDisabled } from './userdialogs';

type Open = { what: 'add' } | { what: 'edit' | 'remove'; user: User } | undefined;

export function UsersPage() {
  const { data, error, reload } = useReading<Page<User>>('/kanrin/v1/users');
  const [open, setOpen] = useState<Open>();
  const close = () => {
    setOpen(undefined);
    reload();
  };
  return (
    <>
      <PageHead
        title={t('nav.users')}
        sub={<p>{t('users.sub')}</p>}
        actions={
          data && (
            <Action kind="primary" onClick={() => setOpen({ what: 'add' })}>
              {t('users.add')}
            </Action>
          )
        }
      />
      {error && <Failure error={error} retry={reload} what={t('nav.users')} />}
      {!data && !error && <Loading what={t('nav.users')} />}
      {data && (
        <Panel>
          <List label={t('nav.users')} rows={data.items ?? []} columns={columns(setOpen, reload)} rowKey={(u) => u.name} />
        </Panel>
      )}
      {open?.what === 'add' && <AddUserDialog onClose={close} />}
      {open?.what === 'edit' && <EditUserDialog user={open.user} onClose={close} />}
      {open?.what === 'remove' && <RemoveUserDialog user={open.user} onClose={close} />}
    </>
  );
}

function columns(setOpen: (o: Open) => void, reload: () => void): Column<User>[] {
  const me = session.value?.user;
  return [
    {
      id: 'name',
      head: t('list.name'),
      width: 'minmax(120px, 1.2fr)',
      card: 'name',
      cell: (u) => (
        <>
          <b class="name">{u.name}</b> {u.name === me && <Tag>{t('users.you')}</Tag>}
        </>
      ),
    },
    { id: 'state', head: t('list.state'), width: 'minmax(110px, 1fr)', card: 'state', cell: (u) => (u.disabled ? <Mark tone="unknown">{t('users.disabled')}</Mark> : <Mark tone="ok">{t('users.enabled')}</Mark>) },
    { id: 'roles', head: t('users.roles'), width: 'minmax(0, 2.4fr)', card: 'line', cell: (u) => <Roles user={u} /> },
    { id: 'created', head: t('node.created'), width: '116px', cell: (u) => (u.created && !u.created.startsWith('0001') ? <Ago at={u.created} /> : '–') },
    {
      id: 'do',
      head: t('users.change'),
      width: 'minmax(280px, auto)',
      card: 'line',
      cell: (u) => (
        <span class="row-actions">
          <Action small onClick={() => setOpen({ what: 'edit', user: u })} label={t('users.editOf', { name: u.name })}>
            {t('users.edit')}
          </Action>
          <Action
            small
            why={u.name === me ? t('users.notYourself') : undefined}
            label={t(u.disabled ? 'users.enableOf' : 'users.disableOf', { name: u.name })}
            onClick={async () => {
              await setDisabled(u, !u.disabled);
              reload();
            }}
          >
            {u.disabled ? t('users.enable') : t('users.disable')}
          </Action>
          <Action small kind="danger" why={u.name === me ? t('users.notYourself') : undefined} label={t('users.removeOf', { name: u.name })} onClick={() => setOpen({ what: 'remove', user: u })}>
            {t('users.remove')}
          </Action>
        </span>
      ),
    },
  ];
}

function Roles({ user }: { user: User }) {
  const roles = Object.entries(user.roles ?? {}).sort(([a], [b]) => a.localeCompare(b));
  if (roles.length === 0) return <span class="dim">{t('users.noRoles')}</span>;
  return (
    <span class="tags">
      {roles.map(([cluster, role]) => (
        <Tag key={cluster}>
          {text(`role.${role}`) ?? role} · <span class="name">{cluster === '*' ? t('users.everyCluster') : cluster}</span>
        </Tag>
      ))}
    </span>
  );
}

function RemoveUserDialog({ user, onClose }: { user: User; onClose: () => void }) {
  const [typed, setTyped] = useState('');
  return (
    <Dialog
      title={t('users.removeTitle', { name: user.name })}
      onClose={onClose}
      submit={{
        label: t('users.remove'),
        kind: 'danger',
        why: typed.trim() === user.name ? undefined : t('approve.typeFirst', { name: user.name }),
        run: async () => {
          await remove(`/kanrin/v1/users/${segment(user.name)}`);
          onClose();
        },
      }}
    >
      <p>{t('users.removeText')}</p>
      <TypeName name={user.name} value={typed} onInput={setTyped} />
    </Dialog>
  );
}
