import { seconds } from '../format';
import { said, sentence, text } from '../lang';
import { ApiError } from './client';

/** What went wrong, why and what to do, in the language on screen. */
export interface Explained {
  what: string;
  why: string | undefined;
  next: string | undefined;
  /** The server's own words, when they say more than ours. */
  detail: string | undefined;
}

/**
 * Says an error in words. The server's refusals carry a code (details.causes[0].reason) whose sentence stands in the catalogue under
 * the code itself where it names an area (host.NameTaken), else under access.<code>, inventory.<code> or cluster.<code>, with the further causes of reason Parameter as its parameters; all else is told by its status.
 */
export function explain(error: ApiError): Explained {
  const [first, ...rest] = error.details.causes ?? [];
  const params = Object.fromEntries(rest.filter((c) => c.reason === 'Parameter').map((c) => [c.field ?? '', c.message ?? '']));
  const code = first?.reason;
  if (code) {
    const refused = (code.includes('.') ? whole(sentence(code, params)) : undefined) ?? sentence(`access.${code}`, params) ?? sentence(`inventory.${code}`, params);
    if (refused !== undefined) return { what: refused, why: undefined, next: undefined, detail: undefined };
    const unreached = sentence(`cluster.${code}`, params);
    if (unreached !== undefined) {
      return {
        what: whole(unreached) ?? text(`error.${code}`) ?? error.message,
        why: whole(sentence(`cluster.${code}.why.${params.why ?? ''}`, params)),
        next: sentence(`cluster.${code}.next`, params),
        detail: error.message,
      };
    }
  }
  const rule = ruleOf(error);
  if (rule !== undefined) return { what: rule, why: undefined, next: undefined, detail: error.message };
  return {
    what: text(`error.${error.reason}`) ?? text(`error.${error.code}`) ?? text('error.other') ?? error.message,
    why: undefined,
    next: text(`error.${error.reason}.next`, { t: seconds(error.retryAfter || 60) }),
    detail: error.message,
  };
}

/** A sentence whose parameters all came; one with a hole in it says nothing. */
function whole(sentence: string | undefined): string | undefined {
  return sentence !== undefined && !/\{[a-zA-Z]+[:|}]/.test(sentence) ? sentence : undefined;
}

const markers = ['StalePlan', 'PlanUsed', 'Blocked'] as const;

/** The validation rules of an Operation begin their messages with a marker. */
function ruleOf(error: ApiError): string | undefined {
  if (error.code !== 422) return undefined;
  const messages = [error.message, ...(error.details.causes ?? []).map((c) => c.message ?? '')];
  const marker = markers.find((m) => messages.some((message) => message.includes(`${m}: `)));
  return marker && text(`rule.${marker}`);
}

/** One line of it, for where there is no room for more. */
export function inOneLine(failure: unknown): string {
  if (!(failure instanceof ApiError)) return String(failure);
  const { what, why, detail } = explain(failure);
  return said('error', undefined, {}, [what, why ?? (detail === what ? undefined : detail)].filter(Boolean).join(' '));
}
