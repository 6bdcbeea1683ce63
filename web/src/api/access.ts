import { useReading } from '../live/reading';
import { t } from '../lang';
import { segment } from './client';
import type { Access } from './inventory';

/** What the caller may do in a cluster, for buttons; read again with the page. */
export function useAccess(cluster: string | undefined): Access | undefined {
  return useReading<Access>(cluster === undefined ? null : `/kanrin/v1/clusters/${segment(cluster)}/access`, []).data;
}

/**
 * Why a button is off: the verb that is missing, by name; undefined when it is not. The answer is not known yet reads as allowed: the
 * server decides anyway.
 */
export function missing(access: Access | undefined, verb: string, resource: string, cluster: string): string | undefined {
  if (access === undefined || access[resource]?.[verb] !== false) return undefined;
  return t('access.missing', { verb, resource, cluster });
}
