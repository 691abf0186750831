import type {
  HTTPCORSFilter,
  HTTPHeaderFilter,
  HTTPPathModifier,
  HTTPRequestMirrorFilter,
  HTTPRequestRedirectFilter,
  HTTPRouteFilter,
  HTTPURLRewriteFilter,
} from '@tulle/gateway-api';
import type { HeaderModifier, HttpFilter, PathModifier } from '@tulle/ir';
import { isEditableHeader } from '@tulle/ir';
import { resolveBackend } from './backend-ref.ts';
import type { ReferenceContext } from './backend-ref.ts';
import type { RuleReporter } from './outcome.ts';

/** Where filters stand, and what goes with it. */
export interface FilterContext extends ReferenceContext {
  readonly at: 'rule' | 'backend';
  /** Whether every match of the rule is a path prefix, so that a prefix can be replaced. */
  readonly matchesPrefixes: boolean;
}

/** The filters of a rule or backend. `isBlocked`: one of them cannot be known, so that requests must not get past it. */
export interface TranslatedFilters {
  readonly filters: readonly HttpFilter[];
  readonly blocked: string | undefined;
}

/** Only mirrors may stand several times: "Specifying the same filter multiple times is not supported unless explicitly indicated". */
const repeatable: ReadonlySet<string> = new Set(['RequestMirror', 'ExtensionRef']);

/** Translates a list of filters of an HTTPRoute; a GRPCRoute's are a part of them. */
export function translateFilters(
  list: readonly HTTPRouteFilter[] | undefined,
  place: string,
  context: FilterContext,
): TranslatedFilters {
  const filters: HttpFilter[] = [];
  let blocked: string | undefined;
  const seen = new Set<string>();
  (list ?? []).forEach((filter, i) => {
    const at = `${place}.filters[${i}]`;
    if (seen.has(filter.type) && !repeatable.has(filter.type)) {
      const message = `${at}: a second ${filter.type} filter; put what it does into the first`;
      context.reporter.refuse({ reason: 'IncompatibleFilters', message });
      return;
    }
    seen.add(filter.type);
    const translated = translateFilter(filter, at, context);
    if (translated === 'blocked') blocked ??= at;
    else if (translated !== undefined) filters.push(translated);
  });
  if (seen.has('RequestRedirect') && seen.has('URLRewrite')) {
    const message = `${place}.filters: RequestRedirect and URLRewrite exclude each other; a redirect can change host and path itself`;
    context.reporter.refuse({ reason: 'IncompatibleFilters', message });
  }
  return { filters, blocked };
}

function translateFilter(
  filter: HTTPRouteFilter,
  place: string,
  context: FilterContext,
): HttpFilter | 'blocked' | undefined {
  const { reporter } = context;
  const missing = (field: string) => {
    reporter.refuse({ reason: 'UnsupportedValue', message: `${place}.${field} is missing` });
    return undefined;
  };
  switch (filter.type) {
    case 'RequestHeaderModifier': {
      const { requestHeaderModifier: modifier } = filter;
      if (modifier === undefined) return missing('requestHeaderModifier');
      return { type: 'requestHeaders', modifier: headerModifier(modifier, `${place}.requestHeaderModifier`, reporter) };
    }
    case 'ResponseHeaderModifier': {
      const { responseHeaderModifier: modifier } = filter;
      if (modifier === undefined) return missing('responseHeaderModifier');
      return {
        type: 'responseHeaders',
        modifier: headerModifier(modifier, `${place}.responseHeaderModifier`, reporter),
      };
    }
    case 'RequestRedirect':
      return filter.requestRedirect === undefined
        ? missing('requestRedirect')
        : redirect(filter.requestRedirect, `${place}.requestRedirect`, context);
    case 'URLRewrite':
      return filter.urlRewrite === undefined
        ? missing('urlRewrite')
        : rewrite(filter.urlRewrite, `${place}.urlRewrite`, context);
    case 'RequestMirror':
      return filter.requestMirror === undefined
        ? missing('requestMirror')
        : mirror(filter.requestMirror, `${place}.requestMirror`, context);
    case 'CORS':
      if (context.at === 'backend') {
        const message = `${place}: CORS is decided before a backend is chosen; put the filter on the rule`;
        reporter.refuse({ reason: 'UnsupportedValue', message });
        return undefined;
      }
      return filter.cors === undefined ? missing('cors') : cors(filter.cors);
    case 'ExternalAuth': {
      // Dropping only the rule would let its requests reach another rule without being checked.
      const message = `${place}: ExternalAuth is not supported yet, and the route is not used without it`;
      reporter.refuse({ reason: 'UnsupportedValue', message, isForRoute: true });
      return undefined;
    }
    case 'ExtensionRef': {
      // "If a reference to a custom filter type cannot be resolved, the filter MUST NOT be skipped."
      const { kind = '', group = '' } = filter.extensionRef ?? {};
      const message = `${place}: a filter of kind ${kind} of ${group} is not known here; requests it would act on get an error`;
      reporter.unresolved({ reason: 'InvalidKind', message });
      return 'blocked';
    }
    default: {
      const unknown: string = filter.type;
      reporter.refuse({ reason: 'UnsupportedValue', message: `${place}.type: "${unknown}" is not known` });
      return undefined;
    }
  }
}

function headerModifier(filter: HTTPHeaderFilter, place: string, reporter: RuleReporter): HeaderModifier {
  const set = filter.set ?? [];
  const add = filter.add ?? [];
  const remove = filter.remove ?? [];
  const names = [...set.map(({ name }) => name), ...add.map(({ name }) => name), ...remove];
  for (const name of names) {
    if (isEditableHeader(name.toLowerCase())) continue;
    const hint = name.toLowerCase() === 'host' ? '; to change it use URLRewrite with hostname' : '';
    const message = `${place}: header "${name}" belongs to the message's framing and is set by the mesh${hint}`;
    reporter.refuse({ reason: 'UnsupportedValue', message });
  }
  return {
    set: set.map(({ name, value }) => ({ name, value })),
    add: add.map(({ name, value }) => ({ name, value })),
    remove: remove.map((name) => name.toLowerCase()),
  };
}

function pathModifier(
  modifier: HTTPPathModifier | undefined,
  place: string,
  context: FilterContext,
): PathModifier | undefined {
  if (modifier === undefined) return undefined;
  const refuse = (message: string) => {
    context.reporter.refuse({ reason: 'UnsupportedValue', message });
    return undefined;
  };
  switch (modifier.type) {
    case 'ReplaceFullPath':
      if (modifier.replaceFullPath === undefined) return refuse(`${place}.replaceFullPath is missing`);
      return { type: 'full', value: modifier.replaceFullPath };
    case 'ReplacePrefixMatch':
      if (modifier.replacePrefixMatch === undefined) return refuse(`${place}.replacePrefixMatch is missing`);
      if (!context.matchesPrefixes) {
        return refuse(`${place}: a prefix can only be replaced where each match of the rule is a PathPrefix`);
      }
      return { type: 'prefix', value: modifier.replacePrefixMatch };
    default: {
      const unknown: string = modifier.type;
      return refuse(`${place}.type: "${unknown}" is not known`);
    }
  }
}

function redirect(filter: HTTPRequestRedirectFilter, place: string, context: FilterContext): HttpFilter {
  const { scheme, hostname, port, statusCode } = filter;
  const path = pathModifier(filter.path, `${place}.path`, context);
  return {
    type: 'redirect',
    ...(scheme === undefined ? {} : { scheme }),
    ...(hostname === undefined ? {} : { hostname }),
    ...(path === undefined ? {} : { path }),
    ...(port === undefined ? {} : { port }),
    statusCode: statusCode ?? 302,
  };
}

function rewrite(filter: HTTPURLRewriteFilter, place: string, context: FilterContext): HttpFilter {
  const path = pathModifier(filter.path, `${place}.path`, context);
  return {
    type: 'rewrite',
    ...(filter.hostname === undefined ? {} : { hostname: filter.hostname }),
    ...(path === undefined ? {} : { path }),
  };
}

function mirror(filter: HTTPRequestMirrorFilter, place: string, context: FilterContext): HttpFilter {
  const { percent, fraction } = filter;
  const share =
    fraction !== undefined
      ? { numerator: fraction.numerator, denominator: fraction.denominator ?? 100 }
      : { numerator: percent ?? 100, denominator: 100 };
  return { type: 'mirror', backend: resolveBackend(filter.backendRef, `${place}.backendRef`, context), ...share };
}

function cors(filter: HTTPCORSFilter): HttpFilter {
  return {
    type: 'cors',
    allowOrigins: filter.allowOrigins ?? [],
    allowCredentials: filter.allowCredentials ?? false,
    allowMethods: filter.allowMethods ?? [],
    allowHeaders: filter.allowHeaders ?? [],
    exposeHeaders: filter.exposeHeaders ?? [],
    maxAgeSeconds: filter.maxAge ?? 5,
  };
}
