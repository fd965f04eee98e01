import { hash, verify } from '@node-rs/argon2';
import { AppError } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';

/** argon2id (RFC 9106), the costs of SECURITY 3.6: about 45 ms and 64 MiB for each hash. */
const costs = { memoryCost: 65_536, timeCost: 3, parallelism: 1 } as const;

/**
 * Hashes running and waiting in this process. It is one for the whole process, because the memory that it guards is: a
 * flood of sign-ins must not exhaust it (SECURITY A3).
 */
const gate = { running: 0, waiting: [] as (() => void)[] };

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (gate.running < limits.passwordHashesAtOnceMax) gate.running += 1;
  else {
    if (gate.waiting.length >= limits.passwordHashQueueMax)
      throw new AppError('HASH_BUSY', 'Too many sign-ins at once; try again in a moment.', {
        details: { retryAfterS: 1 },
      });
    // Who finishes hands its place over, so `running` stays as it is.
    await new Promise<void>((resolve) => gate.waiting.push(resolve));
  }
  try {
    return await work();
  } finally {
    const next = gate.waiting.shift();
    if (next) next();
    else gate.running -= 1;
  }
}

/** The same password typed on two systems may arrive composed or decomposed: NFC makes them equal (SECURITY 3.6). */
const normalise = (password: string): string => password.normalize('NFC');

/**
 * Hashes a password for storage.
 * @returns a PHC string, `$argon2id$v=19$m=65536,t=3,p=1$…`
 * @throws AppError HASH_BUSY when 2 hashes run and 16 wait
 */
export const hashPassword = (password: string): Promise<string> => inTurn(() => hash(normalise(password), costs));

let decoy: Promise<string> | undefined;

/**
 * Compares a password with a stored hash. For a login that nobody has, pass `undefined`: the answer is `false` after the
 * same time, so that the time does not tell whether the login exists (SECURITY A4).
 * @throws AppError HASH_BUSY when 2 hashes run and 16 wait
 */
export function verifyPassword(password: string, storedHash: string | undefined): Promise<boolean> {
  return inTurn(async () => {
    const fits = password.length <= limits.passwordMaxChars;
    if (storedHash !== undefined && fits) return verify(storedHash, normalise(password));
    decoy ??= hash('nobody has this password', costs);
    await verify(await decoy, fits ? normalise(password) : '');
    return false;
  });
}
