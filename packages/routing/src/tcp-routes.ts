import type { BackendTarget, TcpRule, TlsRule } from '@tulle/ir';
import { WeightedShare } from './weighted-share.ts';

/** A rule for connections: a TCPRoute's, or a TLSRoute's. */
export class CompiledTcpRule {
  readonly rule: TcpRule;
  private readonly share: WeightedShare;

  constructor(rule: TcpRule, phase: number) {
    this.rule = rule;
    this.share = new WeightedShare(
      rule.backends.map((backend) => backend.weight),
      phase,
    );
  }

  /** Where the weights are, to carry on after a change of configuration. */
  get phase(): number {
    return this.share.phase;
  }

  /** Where the next connection goes, by weight; undefined when there are no backends or all weights are zero. */
  pickBackend(): BackendTarget | undefined {
    const index = this.share.next();
    return index < 0 ? undefined : this.rule.backends[index]?.target;
  }
}

function compileRules(
  rules: readonly TcpRule[],
  previous: ReadonlyMap<string, CompiledTcpRule> | undefined,
  random: () => number,
): Map<string, CompiledTcpRule> {
  const compiled = new Map<string, CompiledTcpRule>();
  for (const rule of rules) {
    const key = `${rule.route}#${rule.index}`;
    compiled.set(key, new CompiledTcpRule(rule, previous?.get(key)?.phase ?? random()));
  }
  return compiled;
}

/** TCPRoutes of one group: every connection follows the first rule. */
export class CompiledTcpRoutes {
  readonly kind = 'tcp';
  private readonly rules: ReadonlyMap<string, CompiledTcpRule>;
  private readonly first: CompiledTcpRule | undefined;

  constructor(rules: readonly TcpRule[], previous?: CompiledTcpRoutes, random: () => number = Math.random) {
    this.rules = compileRules(rules, previous?.rules, random);
    this.first = this.rules.values().next().value;
  }

  /** The rule for every connection; undefined when there is none. */
  match(): CompiledTcpRule | undefined {
    return this.first;
  }
}

/**
 * TLSRoutes of one group, by server name (SNI): the exact name, then the longest wildcard, then rule order. A `*`
 * stands for one label or more, as the Gateway API has it.
 */
export class CompiledTlsRoutes {
  readonly kind = 'tls';
  private readonly rules: ReadonlyMap<string, CompiledTcpRule>;
  private readonly exact = new Map<string, CompiledTcpRule>();
  private readonly suffixes = new Map<string, CompiledTcpRule>();
  private readonly any: CompiledTcpRule | undefined;

  constructor(rules: readonly TlsRule[], previous?: CompiledTlsRoutes, random: () => number = Math.random) {
    this.rules = compileRules(rules, previous?.rules, random);
    for (const rule of rules) {
      const compiled = this.rules.get(`${rule.route}#${rule.index}`) as CompiledTcpRule;
      if (rule.serverNames.length === 0) this.any ??= compiled;
      for (const name of rule.serverNames) {
        const lower = name.toLowerCase();
        const [map, key] = lower.startsWith('*.') ? [this.suffixes, lower.slice(1)] : [this.exact, lower];
        if (!map.has(key)) map.set(key, compiled);
      }
    }
  }

  /** The rule for a connection with this server name (in any case; undefined without SNI); undefined when none has it. */
  match(serverName: string | undefined): CompiledTcpRule | undefined {
    if (serverName === undefined) return this.any;
    const lower = serverName.toLowerCase();
    const exact = this.exact.get(lower);
    if (exact !== undefined) return exact;
    for (let dot = lower.indexOf('.'); dot >= 0; dot = lower.indexOf('.', dot + 1)) {
      const rule = this.suffixes.get(lower.slice(dot));
      if (rule !== undefined && dot > 0) return rule;
    }
    return this.any;
  }
}
