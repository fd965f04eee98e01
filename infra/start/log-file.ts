import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';

export type LogFile = { write(line: string): void; close(): void };

/** A log is set aside as `.1` when it is larger than this, at start and while it grows. */
const logMaxBytes = 10 * 1024 * 1024;

/**
 * One service's log. A line that the disk has no room for is left out: a full disk must not end what still works.
 * Lines are few, so each is written at once and none is lost when the launcher ends.
 */
export function openLogFile(dir: string, name: string): LogFile {
  mkdirSync(dir, { recursive: true });
  const path = join(dir, `${name}.log`);
  const open = (): { fd: number; sizeBytes: number } => {
    const fd = openSync(path, 'a', 0o600);
    return { fd, sizeBytes: fstatSync(fd).size };
  };
  let file = open();
  return {
    write(line) {
      try {
        if (file.sizeBytes > logMaxBytes) {
          closeSync(file.fd);
          renameSync(path, `${path}.1`);
          file = open();
        }
        file.sizeBytes += writeSync(file.fd, `${line}\n`);
      } catch {
        // No room, or the folder went away: nothing better can be done with a log line.
      }
    },
    close: () => closeSync(file.fd),
  };
}
