import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { layout } from './plan.ts';
import { root } from './root.ts';

/** `npm run bundle -- export|import FILE`: the shop's command with the folders of this installation. */

type Call = { readonly args: readonly string[]; readonly dataDir: string; readonly mirrorUrl: string | undefined };

/** Where the person stands, as the launcher has it. */
const from = process.env['INIT_CWD'] ?? root;
/** What it cannot read is no command: then the shop's own says how it is called. */
const noCommand: Call = { args: [], dataDir: resolve(from, '.data'), mirrorUrl: undefined };

function readCall(args: readonly string[]): Call {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { data: { type: 'string' }, mirror: { type: 'string' } },
    });
    const [command, file, ...rest] = positionals;
    const named = [command, file && resolve(from, file), ...rest].filter((each) => each !== undefined);
    const dataDir = values.data === undefined ? noCommand.dataDir : resolve(from, values.data);
    return { args: named, dataDir, mirrorUrl: values.mirror };
  } catch {
    return noCommand;
  }
}

const { args, dataDir, mirrorUrl } = readCall(process.argv.slice(2));
const at = layout(dataDir);
const child = spawn(
  process.execPath,
  ['--disable-warning=ExperimentalWarning', join(root, 'services/production-api/src/bundle/main.ts'), ...args],
  {
    cwd: root,
    env: {
      ...process.env,
      PRODUCTION_DB_URL: at.db('edge', 'production'),
      NODE_DIR: at.node,
      ...(mirrorUrl !== undefined && { MIRROR_URL: mirrorUrl }),
    },
    stdio: 'inherit',
  },
);
const [exitCode] = (await once(child, 'close')) as [number | null];
process.exitCode = exitCode ?? 1;
