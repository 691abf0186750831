import type { Answer, Packet, Question } from 'dns-packet';
import { AUTHORITATIVE_ANSWER, RECURSION_DESIRED } from 'dns-packet';
import { clusterDomain } from './zone.ts';
import type { Zone } from './zone.ts';

/** Answers are true for a moment only: endpoints come and go. */
const ttlSeconds = 5;

/** The opcode of an ordinary query. */
const standardQuery = 0;

/** Response codes. */
const formatError = 1;
const notImplemented = 4;
const nameError = 3;

/** An alias that leads further than this leads nowhere. */
const aliasLimit = 8;

/**
 * The answer to a query (RFC 1035). Names that are not in the zone do not exist: a playground has no way to the
 * internet's names, and an answer that comes at once is better than none. A name that exists without records of the
 * asked type (all IPv6 addresses) has an empty answer, with the SOA record that lets resolvers remember it (RFC 2308).
 */
export function answerQuery(query: Packet, zone: Zone): Packet {
  const recursionDesired = (query.flags ?? 0) & RECURSION_DESIRED;
  const base: Packet = {
    type: 'response',
    id: query.id ?? 0,
    flags: AUTHORITATIVE_ANSWER | recursionDesired,
    questions: query.questions ?? [],
  };
  if ((((query.flags ?? 0) >> 11) & 15) !== standardQuery) return withCode(base, notImplemented);
  const [question] = query.questions ?? [];
  if (question === undefined || query.questions?.length !== 1) return withCode(base, formatError);
  const found = resolve(question, zone);
  if (found === undefined) return { ...withCode(base, nameError), authorities: [authority] };
  return found.length === 0 ? { ...base, authorities: [authority] } : { ...base, answers: found };
}

function withCode(packet: Packet, code: number): Packet {
  return { ...packet, flags: (packet.flags ?? 0) | code };
}

const authority: Answer = {
  type: 'SOA',
  name: clusterDomain,
  ttl: ttlSeconds,
  data: {
    mname: `ns.dns.${clusterDomain}`,
    rname: `hostmaster.${clusterDomain}`,
    serial: 1,
    refresh: 7200,
    retry: 1800,
    expire: 86_400,
    minimum: ttlSeconds,
  },
};

/** The records of a question, none when the name has none of this type, undefined when there is no such name. */
function resolve(question: Question, zone: Zone): Answer[] | undefined {
  const name = question.name.toLowerCase();
  const pointed = pointerAddress(name);
  if (pointed !== undefined) {
    const target = zone.pointers.get(pointed);
    if (target === undefined) return undefined;
    return asks(question, 'PTR') ? [{ type: 'PTR', name: question.name, ttl: ttlSeconds, data: target }] : [];
  }
  const answers: Answer[] = [];
  let current = name;
  for (let step = 0; step < aliasLimit; step++) {
    const entry = zone.names.get(current);
    if (entry === undefined) {
      if (answers.length > 0) return answers;
      return zone.parents.has(current) ? [] : undefined;
    }
    const shown = step === 0 ? question.name : current;
    if (entry.kind === 'addresses') {
      if (!asks(question, 'A')) return answers;
      return [
        ...answers,
        ...entry.addresses.map((data): Answer => ({ type: 'A', name: shown, ttl: ttlSeconds, data })),
      ];
    }
    answers.push({ type: 'CNAME', name: shown, ttl: ttlSeconds, data: entry.name });
    if (question.type === 'CNAME') return answers;
    current = entry.name;
  }
  return answers;
}

/** Whether records of this type answer the question. The library's types do not know the query type ANY. */
function asks(question: Question, type: 'A' | 'PTR'): boolean {
  const asked: string = question.type;
  return asked === type || asked === 'ANY';
}

function pointerAddress(name: string): string | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa$/.exec(name);
  return match === null ? undefined : `${match[4]}.${match[3]}.${match[2]}.${match[1]}`;
}
