import { getText } from '../api/client';
import { t } from '../lang';
import { useReading } from '../live/reading';
import { Copyable } from './dialog';
import { Failure, Loading } from './states';

/** An object as it is, read-only. */
export function Yaml({ path }: { path: string }) {
  // The same path may be read as JSON elsewhere on the page: the mark keeps the two apart.
  const { data, error, reload } = useReading<string>(`${path}#yaml`, [], readable);
  if (data === undefined) return error ? <Failure error={error} retry={reload} what="YAML" /> : <Loading what="YAML" rows={10} />;
  return (
    <div class="yaml">
      <Copyable value={data} label={t('yaml.label')} />
    </div>
  );
}

async function readable(path: string, abort: AbortSignal): Promise<string> {
  return withoutManagedFields(await getText(path.replace('#yaml', ''), abort));
}

/** Takes out who last wrote which field: it is longer than the object and says nothing to its reader. */
export function withoutManagedFields(yaml: string): string {
  return yaml.replace(/^( *)managedFields:\n(?:\1(?:- |  ).*\n)*/m, '');
}
