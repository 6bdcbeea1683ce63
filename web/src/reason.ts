/**
 * A scheduler's reason without its tail about preemption, which is longer than the reason and says the same of every pod. The whole
 * sentence stays where there is room for it (a title, the YAML).
 */
export function shortReason(reason: string): string {
  return reason.replace(/[.,]?\s+(?:no new claims to deallocate|preemption:).*$/s, '').trim();
}
