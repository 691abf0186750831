import { Argument, type Command } from 'commander';
import type { CliContext } from '../cli-context.ts';
import { addExamples } from '../command-support.ts';

type Shell = 'bash' | 'zsh' | 'fish';

/** Adds `tulle completion`. */
export function registerCompletion(program: Command, context: CliContext): void {
  const command = program
    .command('completion')
    .summary('a script that completes commands and options in your shell')
    .description('Prints a script that completes the commands and options of tulle in your shell.')
    .addArgument(new Argument('<shell>', 'the shell').choices(['bash', 'zsh', 'fish']))
    .action((shell: Shell) => context.print(completionScript(program, shell)));
  addExamples(command, ['source <(tulle completion bash)', 'tulle completion fish | source']);
}

/** The words that may follow each command, by the command's path: `''`, `describe`, `describe service`. */
function wordsByPath(command: Command, path: string): [path: string, words: string[]][] {
  const options = command.options.flatMap(({ short, long }) => [short, long].filter((flag) => flag !== undefined));
  const children = command.commands.map((child) => child.name());
  return [
    [path, [...children, ...options, '--help']],
    ...command.commands.flatMap((child) => wordsByPath(child, `${path} ${child.name()}`.trim())),
  ];
}

function completionScript(program: Command, shell: Shell): string {
  const table = wordsByPath(program, '');
  if (shell === 'fish') return `${table.map(([path, words]) => fishLine(path, words)).join('\n')}\n`;
  return shell === 'zsh' ? `autoload -U +X bashcompinit && bashcompinit\n${bashScript(table)}` : bashScript(table);
}

function bashScript(table: readonly [string, string[]][]): string {
  return `_tulle() {
  local path= word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in -*|*/*) ;; *) path="$path\${path:+ }$word" ;; esac
  done
  local words
  while :; do
    case $path in
${table.map(([path, words]) => `      '${path}') words='${words.join(' ')}'; break ;;`).join('\n')}
      *' '*) path=\${path% *} ;;
      *) path= ;;
    esac
  done
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _tulle tulle
`;
}

function fishLine(path: string, words: readonly string[]): string {
  const seen =
    path === ''
      ? '__fish_use_subcommand'
      : path
          .split(' ')
          .map((word) => `__fish_seen_subcommand_from ${word}`)
          .join('; and ');
  return `complete -c tulle -f -n '${seen}' -a '${words.join(' ')}'`;
}
